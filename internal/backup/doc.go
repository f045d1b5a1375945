// Package backup writes an installation into a folder and restores one from it. It owns the form of that folder, the order in
// which things are written so that it is whole or not there, and what a restore changes: the epoch of the installation, and with
// it the names of all attempts made from then on. What is read from and written to the databases is the store's; what follows
// from a restore for payments is told in payment/lost.go.
//
// Read manifest.go for the form, take.go for the way in, restore.go for the way back.
package backup
