package main

import (
	"os"
	"os/user"
	"strconv"
	"strings"
)

// account is the account of this machine that runs this process.
func account() string { return accountOf(os.Getuid()) }

// accountOf names an account of this machine: its name and number, or the number alone.
func accountOf(uid int) string {
	if uid < 0 {
		return ""
	}
	text := strconv.Itoa(uid)
	if u, err := user.LookupId(text); err == nil {
		return u.Username + "(" + text + ")"
	}
	return text
}

// claimed is who asks as the environment says: who became another account by sudo is still themselves.
func claimed(env []string) string {
	for _, name := range []string{"SUDO_USER=", "USER=", "LOGNAME="} {
		for _, entry := range env {
			if value, ok := strings.CutPrefix(entry, name); ok && value != "" {
				return value
			}
		}
	}
	return ""
}
