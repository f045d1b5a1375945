package job

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/sluicepay/sluice/internal/rescue"
	"github.com/sluicepay/sluice/internal/store"
)

// wanted says of which shards to read how many items now, or with the limit 0 how long
// there is nothing to read unless a signal comes.
func (l *lane) wanted() (shards []int64, limit int, wait time.Duration) {
	const long = time.Hour
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	come := !l.next.IsZero() && !l.next.After(now)
	held := l.wait.Sub(now)
	switch {
	case l.queue.count > 0 && l.count.running >= l.kind.Concurrency, !l.look && l.next.IsZero():
		return nil, 0, long
	case !l.look && !come:
		return nil, 0, l.next.Sub(now)
	case held > 0 && held <= l.pause: // more means that the clock was set back
		return nil, 0, held
	}
	shards = l.shards.list(false)
	if len(shards) == 0 {
		return nil, 0, long // whoever brings shards also says to look
	}
	l.look = false
	if come {
		l.next = time.Time{}
	}
	return shards, l.kind.Limit + len(l.tasks), 0
}

// fetch reads due items into the queue.
func (l *lane) fetch(ctx context.Context, shards []int64, limit int) {
	now := l.now()
	items, err := l.due(ctx, shards, now, limit)
	if l.trouble.note(ctx, l.log, "reading what is due", err) && !errors.Is(err, store.ErrUnavailable) {
		l.alarm(ctx, l.kind.Name, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count.queries++
	if err != nil {
		l.look, l.wait = true, now.Add(l.pause)
		return
	}
	l.wait = now.Add(gap)
	if took := l.now().Sub(now); took > gap && took < l.pause { // a store that is slow is not asked all the time
		l.wait = now.Add(2 * took)
	}
	fresh := false
	for _, item := range items {
		if l.takes(item) && slices.Contains(shards, item.Shard) {
			if l.queue.of(item.Owner) >= l.kind.Limit {
				l.left = true
				continue
			}
			l.queue.push(item)
			l.tasks[item.Key] = &task{item: item}
			fresh = true
		}
	}
	if fresh && len(items) >= limit {
		l.look, l.wait = true, time.Time{} // a backlog: read on as soon as the queue is empty
	}
}

// takes reports whether an item that was read is to be run.
func (l *lane) takes(item Item) bool {
	if t := l.tasks[item.Key]; t != nil {
		t.again = t.again || t.running && !t.item.Due.Equal(item.Due)
		return false
	}
	r, resting := l.rest[item.Key]
	if resting && r.due.Equal(item.Due) && r.until.After(l.now()) {
		l.next = earlier(l.next, r.until)
		return false
	}
	return true
}

// due reads what is due. What cannot be read, by an error or a panic, is looked for again after a pause.
func (l *lane) due(ctx context.Context, shards []int64, before time.Time, limit int) (items []Item, err error) {
	err = rescue.Call(func() (err error) {
		items, err = l.kind.Due(ctx, shards, before, limit)
		return err
	})
	return items, err
}
