// Package certificates is the work that tells a human of certificates of shops that end: those of Apple Pay, by which tokens are opened
// and sessions begun, and which nobody but the shop can renew. It does not read what is in a token, and stores nothing but alarms.
package certificates
