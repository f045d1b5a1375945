package main

import (
	"regexp"
	"strings"

	"github.com/sluicepay/sluice/internal/telemetry"
)

// harmless is what a command line may have too much of without its being a secret: a word, a flag, an id, a number.
var harmless = regexp.MustCompile(`^[a-z][a-z-]{0,19}$|^--?[a-z][a-z0-9-]{0,24}$|^[0-9a-f]{32}$|^-?[0-9.]{1,12}[a-z]{0,2}$`)

// shortestSecret is the shortest text that is taken for one.
const shortestSecret = 4

// misread words why the arguments were not understood. The parser repeats what it stumbles over, which may be a secret or, of
// settings that the shell has split, a part of one: nothing is repeated that is not plainly none.
func misread(err error, args []string) string {
	text := err.Error()
	for _, arg := range args {
		flag, value, _ := strings.Cut(arg, "=")
		for _, part := range []string{arg, value, flag} {
			if len(part) >= shortestSecret && !harmless.MatchString(part) {
				text = strings.ReplaceAll(text, part, "***")
			}
		}
	}
	return telemetry.MaskSecrets(text)
}
