// Package job owns the work that comes due: its schedules, which node does it, and the
// workers that run it. It does not know what the work does, nor where it is kept:
// kinds of work are given to it as functions.
//
// Work belongs to one of store.Shards shards. A Runner holds some of them and is then
// the only one who reads their work, so that one key is never worked on twice at a time
// and nothing in the database has to be claimed. One Runner that is alone holds all.
//
// Read kind.go for what a kind of work must provide, then runner.go; lane.go is the life
// of one piece of work, shards.go what is held at this moment, keeper.go and share.go
// how that is agreed upon with other nodes. schedule.go holds the ladders of waits of the
// engine's work; those of webhooks are package webhook's, and payment/abandon.go says how
// often it is tried to give money back.
package job
