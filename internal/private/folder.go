package private

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Modes of what is ours, and what of a mode lets others in.
const (
	folderMode = 0o700
	fileMode   = 0o600
	others     = 0o077
	anybody    = 0o002 // may write
)

// ErrFolder says that a folder cannot hold what is private, and why.
var ErrFolder = errors.New("data folder refused")

// Folder is a data folder and what may be in it.
type Folder struct {
	Path string
	// Make has the folder made where there is none.
	Make bool
	// Files are names and patterns of what the program keeps there; nothing else is touched.
	Files []string
	// Pod says that this is a pod of Kubernetes: everybody may write to some of its volumes, and everybody is its own containers.
	Pod bool
	// Keys names the file of them whose content is worth a word when others could read it.
	Keys string
}

// Secure makes the folder where it may, and makes sure of one that is there: that nobody else can enter it, and that its files are
// readable for the owner only. What is ours and open is closed, and each warning says what was. ErrFolder means that
// somebody else could replace what is in it, or that it is no folder of our own: nothing was changed then.
func (f Folder) Secure() (warnings []string, err error) {
	if f.Make {
		if err := os.MkdirAll(f.Path, folderMode); err != nil {
			return nil, fmt.Errorf("data folder: %w", err)
		}
	} else if _, err := os.Stat(f.Path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if !modes {
		return nil, nil
	}
	path, err := f.resolve()
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	if err := f.judge(path, info); err != nil {
		return nil, err
	}
	warned, err := f.tightenFolder(path, info)
	if err != nil {
		return nil, err
	}
	warnings = append(warnings, warned...)
	warned, err = f.tightenFiles(path)
	return append(warnings, warned...), err
}

// resolve is where the folder really is. Links on the way count only if nobody but us and the administrator made them.
func (f Folder) resolve() (string, error) {
	path, err := filepath.Abs(f.Path)
	if err != nil {
		return "", fmt.Errorf("data folder: %w", err)
	}
	for at := path; at != filepath.Dir(at); at = filepath.Dir(at) {
		info, err := os.Lstat(at)
		if err != nil {
			return "", fmt.Errorf("data folder: %w", err)
		}
		if info.Mode()&fs.ModeSymlink != 0 && !trusted(info) {
			return "", fmt.Errorf("%w: %s is a link that user %d made", ErrFolder, at, ownerOf(info))
		}
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return "", fmt.Errorf("data folder: %w", err)
	}
	return path, nil
}

// trusted reports that a file belongs to this process's user or to the administrator, who can do everything anyway.
func trusted(info fs.FileInfo) bool {
	owner := ownerOf(info)
	return owner == os.Geteuid() || owner == 0
}

// judge refuses a folder whose content others could replace, whatever is done about the folder itself.
func (f Folder) judge(path string, info fs.FileInfo) error {
	if !trusted(info) {
		return fmt.Errorf("%w: %s belongs to user %d and this process runs as user %d: run it as that user, or give it a folder of its own",
			ErrFolder, path, ownerOf(info), os.Geteuid())
	}
	if path == filepath.Dir(path) || info.Mode()&fs.ModeSticky != 0 {
		return fmt.Errorf("%w: %s is shared by the whole system: name a folder in it", ErrFolder, path)
	}
	if info.Mode()&anybody != 0 && ownerOf(info) != os.Geteuid() {
		if f.Pod {
			return fmt.Errorf("%w: everybody may write to %s, as to an emptyDir of Kubernetes, and this process may not change that: "+
				"name a folder in it (--data %s), or mount a volume that its fsGroup gives to this process", ErrFolder, path, filepath.Join(path, "sluice"))
		}
		return fmt.Errorf("%w: everybody may write to %s and this process may not change that: have its owner close it (chmod o-w)",
			ErrFolder, path)
	}
	for at := filepath.Dir(path); at != filepath.Dir(at); at = filepath.Dir(at) {
		above, err := os.Stat(at)
		if err != nil {
			return fmt.Errorf("data folder: %w", err)
		}
		if above.Mode()&anybody != 0 && above.Mode()&fs.ModeSticky == 0 && !(f.Pod && trusted(above)) {
			return fmt.Errorf("%w: everybody may write to %s, so anybody could replace %s: close it (chmod o-w)", ErrFolder, at, path)
		}
	}
	return nil
}

// tightenFolder closes a folder of ours. One that belongs to the administrator stays as it was made.
func (f Folder) tightenFolder(path string, info fs.FileInfo) ([]string, error) {
	if info.Mode()&others == 0 || ownerOf(info) != os.Geteuid() {
		return nil, nil
	}
	if foreign, err := f.foreign(path); err != nil {
		return nil, err
	} else if foreign != "" {
		return nil, fmt.Errorf("%w: others may enter %s (mode %04o), and it holds %s, which is not Sluice's: "+
			"close it (chmod 700) or name a folder that is Sluice's own", ErrFolder, path, info.Mode().Perm(), foreign)
	}
	if err := os.Chmod(path, folderMode); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	now, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	if now.Mode()&others != 0 {
		return []string{fmt.Sprintf("others may enter the data folder %s, and its file system keeps no modes that would stop them", path)}, nil
	}
	return []string{fmt.Sprintf("others could enter the data folder %s (mode %04o); it was closed", path, info.Mode().Perm())}, nil
}

// foreign names something in the folder that is not ours, unless the folder holds an installation: then it was ours before.
func (f Folder) foreign(path string) (string, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return "", fmt.Errorf("data folder: %w", err)
	}
	found := ""
	for _, e := range entries {
		if f.ours(e.Name()) {
			return "", nil
		}
		if e.Name() != "lost+found" {
			found = e.Name()
		}
	}
	return found, nil
}

// ours reports whether a file of that name is the program's.
func (f Folder) ours(name string) bool {
	return slices.ContainsFunc(f.Files, func(pattern string) bool {
		ok, _ := filepath.Match(pattern, name) // patterns are constants
		return ok
	})
}

// tightenFiles closes the files of ours that others may read. A link among them has to be ours or the administrator's.
func (f Folder) tightenFiles(path string) ([]string, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	var warnings, closed []string
	for _, e := range entries {
		if !f.ours(e.Name()) {
			continue
		}
		opened, err := tightenFile(filepath.Join(path, e.Name()))
		switch {
		case errors.Is(err, fs.ErrNotExist): // a running server has just removed it
		case err != nil:
			return nil, err
		case opened != 0 && e.Name() == f.Keys:
			warnings = append(warnings, fmt.Sprintf("%s could be read by others (mode %04o); it was closed, but they may have read "+
				"the keys of this installation", filepath.Join(path, e.Name()), opened))
		case opened != 0:
			closed = append(closed, e.Name())
		}
	}
	if len(closed) > 0 {
		warnings = append(warnings, fmt.Sprintf("files in %s could be read by others; they were closed: %s", path, strings.Join(closed, ", ")))
	}
	return warnings, nil
}

// tightenFile returns the mode that a file of ours had if that let others in, which it does not any more.
func tightenFile(path string) (opened fs.FileMode, err error) {
	info, err := os.Lstat(path)
	if err != nil {
		return 0, err
	}
	if !trusted(info) {
		return 0, fmt.Errorf("%w: %s belongs to user %d", ErrFolder, path, ownerOf(info))
	}
	if info.Mode()&fs.ModeSymlink != 0 { // a secret that is mounted, for example: its mode is not ours to change
		return 0, nil
	}
	if info.IsDir() || info.Mode()&others == 0 || ownerOf(info) != os.Geteuid() {
		return 0, nil
	}
	if err := os.Chmod(path, fileMode); err != nil {
		return 0, fmt.Errorf("close %s: %w", path, err)
	}
	return info.Mode().Perm(), nil
}

// Exposed is a warning about a file that everybody on this machine may read, and empty for any other.
func Exposed(path string) string {
	info, err := os.Stat(path)
	if !modes || err != nil || !info.Mode().IsRegular() || info.Mode()&0o004 == 0 {
		return ""
	}
	return fmt.Sprintf("%s holds a secret and everybody may read it (mode %04o): close it (chmod o-r)", path, info.Mode().Perm())
}
