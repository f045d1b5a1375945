package job

// Freeze makes a runner skip its renewals from now on, or no longer, like a process that
// hangs.
func (r *Runner) Freeze(on bool) { r.keeper.frozen.Store(on) }
