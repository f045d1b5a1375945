package main

import (
	"context"
	"errors"

	"github.com/sluicepay/sluice/internal/store"
)

// memoryMark is the limit of the resident memory under load.
const memoryMark = 100_000_000

// measureMemory loads a server that does nothing else and looks how large it has become.
func (l *lab) measureMemory(ctx context.Context) error {
	peerPeak, peerKnown, err := l.mockMemory(ctx)
	if err != nil {
		return err
	}
	for _, kind := range l.kinds() {
		created, paid, ok, err := l.memory(ctx, kind)
		if err != nil {
			return err
		}
		if !ok {
			l.report.note("Memory was NOT measured: this system does not tell it.")
			return nil
		}
		for _, m := range []struct {
			name string
			peak int64
		}{
			{"most memory after creates", created},
			{"most memory after creates and paid flows, the simulator's books included", paid},
		} {
			line := line{Section: "Memory", Name: m.name + ", 64 connections, " + title(kind), Value: megabytes(m.peak),
				Against: "the mark, " + megabytes(memoryMark), Ratio: float64(m.peak) / memoryMark}
			l.report.add(line.atMost(1))
			if peerKnown {
				line.Against, line.Mark, line.Met = "stripe-mock after creates, "+megabytes(peerPeak), "", nil
				line.Ratio = float64(m.peak) / float64(peerPeak)
				l.report.add(line)
			}
		}
	}
	return nil
}

// memory returns the most that a fresh server has used after creates, and after paid flows.
func (l *lab) memory(ctx context.Context, kind store.Kind) (created, paid int64, ok bool, err error) {
	h, err := l.newHome(ctx, kind)
	if err != nil {
		return 0, 0, false, err
	}
	s, err := l.serve(ctx, h)
	if err != nil {
		return 0, 0, false, err
	}
	defer s.stop()
	t := l.opts.timing()
	_, err = (&load{work: s.creating(&l.refs), conns: mostConnections}).closedLoop(ctx, t)
	created, _, ok = memoryOf(s.pid())
	if err != nil {
		return created, 0, ok, err
	}
	_, err = (&load{work: s.paying(&l.refs), conns: mostConnections}).closedLoop(ctx, t)
	paid, _, alive := memoryOf(s.pid())
	return created, paid, ok && alive, err
}

func (l *lab) mockMemory(ctx context.Context) (peak int64, ok bool, err error) {
	if l.mockProgram == "" {
		return 0, false, nil
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return 0, false, err
	}
	m, err := l.startMock(ctx, address)
	if err != nil {
		return 0, false, err
	}
	defer m.stop()
	_, err = (&load{work: m.mocking, conns: mostConnections}).closedLoop(ctx, l.opts.timing())
	peak, _, ok = memoryOf(m.pid())
	if err == nil && peak == 0 {
		err = errors.New("stripe-mock has no memory")
		if !ok {
			err = nil
		}
	}
	return peak, ok, err
}
