package tx

import (
	"log/slog"
	"sync"
	"time"

	"github.com/sluicepay/sluice/internal/rescue"
)

// checkpointEvery is the pause between two checkpoints while there are writes.
const checkpointEvery = 200 * time.Millisecond

const checkpointPassive = "PRAGMA wal_checkpoint(PASSIVE)" //nolint:gosec // "pass" is no credential

// checkpointer moves the write-ahead log into the database file while the writer goes on, so that no
// commit pays for it. It sleeps when nothing is written.
type checkpointer struct {
	file  *sqliteFile
	conn  *sqliteConn
	log   *slog.Logger
	dirty chan struct{}
	stop  chan struct{}
	done  sync.WaitGroup
}

func startCheckpointer(file *sqliteFile, conn *sqliteConn, log *slog.Logger) *checkpointer {
	c := &checkpointer{file: file, conn: conn, log: log, dirty: make(chan struct{}, 1), stop: make(chan struct{})}
	c.done.Go(c.loop)
	return c
}

func (c *checkpointer) touch() {
	select {
	case c.dirty <- struct{}{}:
	default:
	}
}

func (c *checkpointer) loop() {
	timer := time.NewTimer(checkpointEvery)
	defer timer.Stop()
	for {
		select {
		case <-c.dirty:
		case <-c.stop:
			return
		}
		timer.Reset(checkpointEvery)
		select {
		case <-timer.C:
		case <-c.stop:
			return
		}
		// A busy or full database is tried again after the next write; the length of the log is bounded
		// by the writer. Whether the storage failed the connection notices.
		if err := rescue.Call(c.move); err != nil {
			c.log.Debug("write-ahead log not moved into the database", "error", err)
		}
	}
}

func (c *checkpointer) move() error {
	c.file.moving.Lock()
	defer c.file.moving.Unlock()
	return c.conn.exec(checkpointPassive)
}

// close ends the background work and empties the log.
func (c *checkpointer) close() {
	close(c.stop)
	c.done.Wait()
	_ = c.conn.exec("PRAGMA wal_checkpoint(TRUNCATE)") // only shortens the next start
	c.conn.close()
}
