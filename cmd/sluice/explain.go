package main

import "github.com/alecthomas/kong"

// restoreHelp is what settings mean to restore that mean something else to commands which look for an installation.
var restoreHelp = map[string]string{
	"data":     "New or empty folder for the restored installation: its keys and the embedded database. The server is started on it afterwards.",
	"database": "Empty PostgreSQL database to fill, as postgres://user@host/name, where the backup is of one; or where that stands: @FILE or env:NAME.",
}

// explain completes the help of flags that several commands share: what a setting is when nobody gives it, and what restore
// means by its own.
func explain(node *kong.Node) {
	for _, flag := range node.Flags {
		if text, ok := restoreHelp[flag.Name]; ok && node.Name == "restore" {
			flag.Help = text
		}
		if std := flag.Tag.Get("std"); std != "" {
			flag.Help += " (" + std + ")"
		}
	}
	for _, command := range node.Children {
		explain(command)
	}
}
