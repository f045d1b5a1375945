package main

import (
	"context"
	"slices"
	"strings"

	"github.com/sluicepay/sluice/internal/private"
	"github.com/sluicepay/sluice/internal/vault"
)

// dataFiles are the names of everything that the program keeps in its data folder. A test holds the folder of a running
// demo against them.
var dataFiles = []string{
	vault.KeyringFile, ".keys-*", "sluice.db", "sluice.db-*", "sluice.lock", adminSocket, adminLock, demoFile, "." + demoFile + ".*", demoLedger,
	vault.MasterFile, ".master-*", databaseChecked, "." + databaseChecked + ".*",
}

// secureMemory comes before any key is read.
func (b *base) secureMemory(ctx context.Context) {
	if b.config.AllowDebug {
		b.log.WarnContext(ctx, "debuggers may attach and core dumps may be written: keys and cards can be read by them")
		return
	}
	if err := private.Memory(); err != nil {
		b.log.WarnContext(ctx, "the memory of this process is open to others of its user", "error", err)
	}
}

// secureFolder makes the data folder where it may, and sees to it that only its owner can get at what is in it.
func (b *base) secureFolder(ctx context.Context, fresh bool) error {
	folder := private.Folder{Path: b.config.Data, Make: fresh, Files: dataFiles, Keys: vault.KeyringFile, Pod: b.inPod}
	warnings, err := folder.Secure()
	for _, w := range append(b.config.Warnings, warnings...) {
		b.log.WarnContext(ctx, w)
	}
	return err
}

// inPod reports a process in a pod of Kubernetes, which tells every container where its own API is.
func inPod(env []string) bool {
	return slices.ContainsFunc(env, func(entry string) bool {
		name, value, _ := strings.Cut(entry, "=")
		return name == "KUBERNETES_SERVICE_HOST" && value != ""
	})
}
