// Package certificates is the work that tells a human of certificates of shops that end: those of Apple Pay, by which tokens are opened
// and sessions begun, and those in the settings of terminals, by which providers know us and we them. Nobody but the shop can renew them. It does not read what is in a token, and stores nothing but alarms.
package certificates
