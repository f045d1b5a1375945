package vault

// NewHolderAfter is NewHolder with the test in the place of the system's timers.
var NewHolderAfter = newHolder
