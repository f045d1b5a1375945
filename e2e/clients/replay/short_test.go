//go:build short

package replay

var ogenClients map[string]decoders
