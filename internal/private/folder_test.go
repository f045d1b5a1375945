//go:build unix

package private_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/private"
	"github.com/sluicepay/sluice/internal/testkit/setting"
)

// somebody is a user who is neither this process's nor the administrator.
const somebody = 4711

type scene struct {
	t   *testing.T
	dir string
}

// newScene has a folder of its own that nobody else can enter.
func newScene(t *testing.T) scene {
	t.Helper()
	s := scene{t, t.TempDir()}
	s.mode("", 0o700)
	return s
}

func (s scene) path(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }

func (s scene) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s scene) folder(name string, mode fs.FileMode) {
	s.t.Helper()
	s.must(os.Mkdir(s.path(name), 0o700))
	s.mode(name, mode)
}

func (s scene) file(name string, mode fs.FileMode) {
	s.t.Helper()
	s.must(os.WriteFile(s.path(name), []byte("x"), 0o600))
	s.mode(name, mode)
}

func (s scene) mode(name string, mode fs.FileMode) {
	s.t.Helper()
	s.must(os.Chmod(s.path(name), mode))
}

func (s scene) give(name string, uid int) {
	s.t.Helper()
	if os.Geteuid() != 0 {
		setting.Missing(s.t, setting.Root, "only root gives files away")
	}
	s.must(os.Lchown(s.path(name), uid, -1))
}

func (s scene) modeOf(name string) fs.FileMode {
	s.t.Helper()
	info, err := os.Stat(s.path(name))
	s.must(err)
	return info.Mode() &^ fs.ModeDir
}

func (s scene) secure(name string) ([]string, error) {
	return private.Folder{Path: s.path(name), Make: true, Files: []string{"keys.json", "sluice.db*", "admin.sock"}, Keys: "keys.json"}.Secure()
}

func TestAFolderIsMadeForItsOwnerOnly(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	warnings, err := s.secure("a/b")
	if err != nil || len(warnings) != 0 || s.modeOf("a/b") != 0o700 {
		t.Errorf("%v, %v, mode %v", warnings, err, s.modeOf("a/b"))
	}
	if warnings, err := s.secure("a/b"); err != nil || len(warnings) != 0 {
		t.Errorf("the second time: %v, %v", warnings, err)
	}
}

// TestAVolumeThatEverybodyMayWriteTo is what Kubernetes gives to a pod as an emptyDir: it is refused with what to do, which is a
// folder in it, and that works there and nowhere else.
func TestAVolumeThatEverybodyMayWriteTo(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.folder("data", 0o777)
	in := private.Folder{Path: s.path("data/sluice"), Make: true}
	if _, err := in.Secure(); !errors.Is(err, private.ErrFolder) {
		t.Errorf("on a machine of its own: %v", err)
	}
	in.Pod = true
	if warnings, err := in.Secure(); err != nil || len(warnings) != 0 || s.modeOf("data/sluice") != 0o700 {
		t.Errorf("in a pod: %v, %v", warnings, err)
	}
}

func TestWhatIsOursAndOpenIsClosed(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.folder("data", 0o755)
	s.file("data/keys.json", 0o644)
	s.file("data/sluice.db", 0o640)
	s.file("data/sluice.db-wal", 0o600)
	s.file("data/notes.txt", 0o644) // somebody's own
	warnings, err := s.secure("data")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]fs.FileMode{
		"data": 0o700, "data/keys.json": 0o600, "data/sluice.db": 0o600, "data/sluice.db-wal": 0o600, "data/notes.txt": 0o644,
	} {
		if got := s.modeOf(name); got != want {
			t.Errorf("%s: mode %04o, want %04o", name, got, want)
		}
	}
	said := strings.Join(warnings, "\n")
	for _, want := range []string{"(mode 0755); it was closed", "keys.json could be read by others (mode 0644)", "they were closed: sluice.db"} {
		if !strings.Contains(said, want) {
			t.Errorf("no word on %q in: %s", want, said)
		}
	}
	if strings.Contains(said, "sluice.db-wal") || len(warnings) != 3 {
		t.Errorf("too much said: %s", said)
	}
	if warnings, err := s.secure("data"); err != nil || len(warnings) != 0 {
		t.Errorf("the second time: %v, %v", warnings, err)
	}
}

func TestAFolderThatOthersCouldReplaceIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		prepare func(s scene)
		at, why string
	}{
		"somebody else's": {func(s scene) { s.folder("data", 0o700); s.give("data", somebody) }, "data", "belongs to user 4711"},
		"below a folder that everybody may write to": {func(s scene) { s.folder("open", 0o777) }, "open/data", "everybody may write to"},
		"further below one":                          {func(s scene) { s.folder("open", 0o777); s.folder("open/x", 0o700) }, "open/x/data", "everybody may write to"},
		"shared":                                     {func(s scene) { s.folder("data", 0o777|fs.ModeSticky) }, "data", "shared by the whole system"},
		"reached by somebody's link": {func(s scene) {
			s.folder("real", 0o700)
			s.must(os.Symlink("real", s.path("data")))
			s.give("data", somebody)
		}, "data", "is a link that user 4711 made"},
		"open, and holds other things": {func(s scene) { s.folder("data", 0o755); s.file("data/letter.txt", 0o644) }, "data", "letter.txt, which is not Sluice's"},
		"with a file of somebody's": {func(s scene) {
			s.folder("data", 0o700)
			s.file("data/keys.json", 0o600)
			s.give("data/keys.json", somebody)
		}, "data", "keys.json belongs to user 4711"},
		"with a link of somebody's": {func(s scene) {
			s.folder("data", 0o700)
			s.file("elsewhere", 0o600)
			s.must(os.Symlink("../elsewhere", s.path("data/sluice.db")))
			s.give("data/sluice.db", somebody)
		}, "data", "sluice.db belongs to user 4711"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			c.prepare(s)
			_, err := s.secure(c.at)
			if !errors.Is(err, private.ErrFolder) || !strings.Contains(err.Error(), c.why) {
				t.Errorf("%v, want a word on %q", err, c.why)
			}
			if name == "open, and holds other things" && s.modeOf("data") != 0o755 {
				t.Error("a folder that was refused was changed")
			}
		})
	}
	if _, err := (private.Folder{Path: "/"}).Secure(); !errors.Is(err, private.ErrFolder) {
		t.Errorf("the root of the file system: %v", err)
	}
}

func TestAFolderBehindALinkOfOursIsUsed(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.folder("disk", 0o755)
	s.must(os.Symlink("disk", s.path("data")))
	s.file("mounted", 0o644)
	s.must(os.Symlink("../mounted", s.path("disk/keys.json")))
	if _, err := s.secure("data"); err != nil || s.modeOf("disk") != 0o700 || s.modeOf("mounted") != 0o644 {
		t.Errorf("%v, mode %v, behind the link %v", err, s.modeOf("disk"), s.modeOf("mounted"))
	}
}

func TestWriteFollowsNoLinkAndLeavesNothing(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.folder("open", 0o777)
	s.file("victim", 0o600)
	s.must(os.Symlink("../victim", s.path("open/ready.json")))
	for _, guess := range []string{".ready.json.new", ".ready.json.tmp", "ready.json.new"} {
		s.must(os.Symlink("../victim", s.path("open/"+guess)))
	}
	for name, write := range map[string]func(string, []byte) error{"once": private.Write, "durably": private.WriteDurably} {
		s.must(write(s.path("open/ready.json"), []byte(name)))
		info, err := os.Lstat(s.path("open/ready.json"))
		s.must(err)
		raw, err := os.ReadFile(s.path("open/ready.json"))
		s.must(err)
		if string(raw) != name || info.Mode() != 0o600 {
			t.Errorf("%s: %q, mode %v", name, raw, info.Mode())
		}
	}
	if raw, err := os.ReadFile(s.path("victim")); err != nil || string(raw) != "x" {
		t.Errorf("what a link points to was written: %q, %v", raw, err)
	}
	s.must(os.Mkdir(s.path("open/taken"), 0o700))
	if err := private.Write(s.path("open/taken"), []byte("x")); err == nil {
		t.Error("a folder was replaced")
	}
	entries, err := os.ReadDir(s.path("open"))
	s.must(err)
	if len(entries) != 5 { // the file, the folder and the three links
		t.Errorf("left behind: %v", entries)
	}
}

func TestExposed(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.file("open", 0o644)
	s.file("group", 0o640)
	s.file("closed", 0o600)
	if w := private.Exposed(s.path("open")); !strings.Contains(w, "everybody may read it (mode 0644)") {
		t.Errorf("%q", w)
	}
	for _, name := range []string{"group", "closed", "none", ""} {
		if w := private.Exposed(s.path(name)); w != "" {
			t.Errorf("%s: %q", name, w)
		}
	}
}
