package storetest

import (
	"errors"
	"math/rand/v2"

	"github.com/sluicepay/sluice/internal/store"
)

// errByChance is what the faults of Unreliable are caused by.
var errByChance = errors.New("by chance")

// Unreliable is a fault for [store.Options] that nobody above the store may notice. By chance, each in one of so many
// groups: the group is to run again; its acknowledgement is lost with nothing written, in the midst of it or at its end; it is lost
// after the commit.
func Unreliable(oneIn int) func(store.FaultPoint, []string) error {
	return func(at store.FaultPoint, _ []string) error {
		switch at {
		case store.FaultBusy, store.FaultBeforeCommit, store.FaultAfterCommit, store.FaultCommitUndone, store.FaultCommitStands, store.FaultBrokenOff:
			if rand.N(oneIn) == 0 {
				return errByChance
			}
		case store.FaultBeforeGroup, store.FaultBeforeRerun, store.FaultRead: // these would be noticed, or are no faults
		}
		return nil
	}
}
