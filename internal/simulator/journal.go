package simulator

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// journal is the ledger file: one JSON line a booking, written in order under
// Simulator.mu, brought to the disk by sync for all bookings that wait for it.
// A nil journal stores nothing.
type journal struct {
	file    *os.File
	noFsync bool

	mu      sync.Mutex // guards what follows
	written int64      // bytes handed to the system
	err     error      // the first failure; it stays, because the file may be torn

	syncMu sync.Mutex // one fsync at a time
	synced int64
}

// journalLine holds an entry and, as they were after it, the transaction and the
// payment that it follows.
type journalLine struct {
	Entry Entry `json:"entry"`
	Txs   []*tx `json:"txs"`
}

// openJournal reads the books back and opens the file for appending.
func (s *Simulator) openJournal() error {
	if s.cfg.LedgerPath == "" {
		return nil
	}
	file, err := os.OpenFile(s.cfg.LedgerPath, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	size, err := s.replay(file)
	if err == nil {
		err = cutTo(file, size)
	}
	if err != nil {
		_ = file.Close() // the first error says more
		return err
	}
	s.journal = &journal{file: file, noFsync: s.cfg.NoFsync, written: size, synced: size}
	return nil
}

// cutTo removes a torn last line and puts the write position at the end.
func cutTo(file *os.File, size int64) error {
	if err := file.Truncate(size); err != nil {
		return err
	}
	_, err := file.Seek(size, io.SeekStart)
	return err
}

// replay rebuilds the books and returns how many bytes of the file are whole
// lines. Only the last line may be torn: that is a booking nobody was told of.
func (s *Simulator) replay(file io.Reader) (int64, error) {
	reader := bufio.NewReaderSize(file, 64<<10)
	var size int64
	for {
		line, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			s.rebuild()
			return size, nil
		}
		if err != nil {
			return 0, err
		}
		if err := s.replayLine(line); err != nil {
			return 0, fmt.Errorf("line %d: %w", len(s.ledger)+1, err)
		}
		size += int64(len(line))
	}
}

func (s *Simulator) replayLine(line []byte) error {
	var stored journalLine
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&stored); err != nil {
		return err
	}
	if want := int64(len(s.ledger)) + 1; stored.Entry.Seq != want {
		return fmt.Errorf("has sequence number %d instead of %d", stored.Entry.Seq, want)
	}
	for _, t := range stored.Txs {
		s.byID[t.ID] = t
	}
	s.ledger = append(s.ledger, stored.Entry)
	return nil
}

// rebuild makes the other indexes and the due work from the transactions.
func (s *Simulator) rebuild() {
	for _, t := range s.byID {
		s.add(t)
		if t.Correct != "" && !t.CorrectAt.IsZero() {
			s.later(dueItem{at: t.CorrectAt, tx: t})
		}
		switch {
		case t.Status == statusPending && !t.DueAt.IsZero():
			s.later(dueItem{at: t.DueAt, tx: t})
		case t.Status == statusRequiresAction:
			s.later(dueItem{at: t.ActionUntil, tx: t})
		case t.Status == statusAuthorized:
			s.later(dueItem{at: t.HoldUntil, tx: t})
		}
	}
}

// append writes one booking; the caller holds Simulator.mu. An error is kept for
// sync, which every answer waits for.
func (j *journal) append(e Entry, txs ...*tx) {
	line := journalLine{Entry: e}
	for _, t := range txs {
		if t != nil {
			line.Txs = append(line.Txs, t)
		}
	}
	text, err := json.Marshal(line)
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return
	}
	if err == nil {
		_, err = j.file.Write(append(text, '\n'))
	}
	j.err = err
	j.written += int64(len(text)) + 1
}

// sync returns once everything appended before the call is on the disk, or the
// error that prevents it. Callers that arrive together share one fsync.
func (j *journal) sync() error {
	if j == nil {
		return nil
	}
	wanted, err := j.state()
	if err != nil || j.noFsync {
		return err
	}
	j.syncMu.Lock()
	defer j.syncMu.Unlock()
	if j.synced >= wanted {
		return nil
	}
	reached, err := j.state()
	if err != nil {
		return err
	}
	if err := j.file.Sync(); err != nil {
		j.fail(err)
		return err
	}
	j.synced = reached
	return nil
}

func (j *journal) state() (written int64, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.written, j.err
}

func (j *journal) fail(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.err = err
}

func (j *journal) close() error {
	err := j.sync()
	j.fail(errors.New("the simulator is closed"))
	return errors.Join(err, j.file.Close())
}
