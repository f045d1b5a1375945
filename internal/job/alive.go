package job

import (
	"errors"
	"sync/atomic"
)

// alive is how far a runner has come.
type alive struct{ begun, over atomic.Bool }

// Alive returns nil while this node takes part in the due work: it runs, and the others know of it. A node that is told to stop
// takes part until all that runs in it has ended. Which shards it holds is not asked: there may be more nodes than shards.
func (r *Runner) Alive() error {
	switch {
	case r.alive.over.Load():
		return errors.New("due work: has ended")
	case !r.alive.begun.Load():
		return errors.New("due work: has not begun")
	case r.keeper != nil && r.opts.Now().UnixMicro() >= r.keeper.stands.Load():
		return errors.New("due work: the node's lease is not renewed")
	}
	return nil
}
