package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"regexp"
	"slices"

	"github.com/sluicepay/sluice/internal/audit"
	"github.com/sluicepay/sluice/internal/shop"
)

// changeList collects what an act changes while it is done.
type changeList struct{ changes []audit.Change }

type changeListKey struct{}

// withChanges returns a context in which acts tell what they change.
func withChanges(ctx context.Context) (context.Context, *changeList) {
	list := new(changeList)
	return context.WithValue(ctx, changeListKey{}, list), list
}

// changed tells what the act of the context has changed, by what is shown of the thing before and after: secrets must be out of both.
// A transaction that runs again tells it again; the last time counts.
func changed(ctx context.Context, before, after any) {
	if list, ok := ctx.Value(changeListKey{}).(*changeList); ok {
		list.changes = differences(before, after)
	}
}

// differences lists the members in which two things differ as JSON, by their paths, sorted. What follows an address is left out: it may let
// whoever knows it post there.
func differences(before, after any) (list []audit.Change) {
	was, is := members(before), members(after)
	names := slices.Sorted(maps.Keys(was))
	for name := range is {
		if _, both := was[name]; !both {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if !bytes.Equal(was[name], is[name]) {
			list = append(list, audit.Change{Name: name, Before: withoutQueries(was[name]), After: withoutQueries(is[name])})
		}
	}
	return list
}

var quotedQuery = regexp.MustCompile(`\?[^"\s\\]+`)

func withoutQueries(value json.RawMessage) json.RawMessage {
	return quotedQuery.ReplaceAll(value, []byte("?***"))
}

// members are the leaves of a thing as JSON: a.b.c and its value. Lists are leaves.
func members(thing any) map[string]json.RawMessage {
	leaves := make(map[string]json.RawMessage)
	raw, err := json.Marshal(thing)
	if err != nil {
		return leaves
	}
	leavesOf(leaves, "", raw)
	return leaves
}

func leavesOf(leaves map[string]json.RawMessage, path string, raw json.RawMessage) {
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil || object == nil {
		if path != "" && string(raw) != "null" {
			leaves[path] = raw
		}
		return
	}
	for name, value := range object {
		if path != "" {
			name = path + "." + name
		}
		leavesOf(leaves, name, value)
	}
}

// begin puts on record that an act is about to be done.
func (d *Desk) begin(ctx context.Context, operation string, attrs []slog.Attr) (audit.Begun, error) {
	p := personOf(ctx)
	a := audit.Act{Name: operation, Who: p.Account, Claims: p.Claims, Arguments: make(map[string]string, len(attrs))}
	for _, attr := range attrs {
		if attr.Key == "shop" {
			a.Shop = attr.Value.String()
			continue
		}
		a.Arguments[attr.Key] = attr.Value.String()
	}
	return d.record.Begin(ctx, a)
}

// detailsAfter shows a terminal as it is now; of secrets that are others than before it says that.
func (d *Desk) detailsAfter(was, is *shop.Terminal) TerminalDetails {
	shown := d.details(is)
	var before, after map[string]json.RawMessage
	if json.Unmarshal(was.Config, &before) != nil || json.Unmarshal(is.Config, &after) != nil {
		return shown
	}
	for name, value := range shown.Settings {
		if string(value) == masked && string(before[name]) != string(after[name]) {
			shown.Settings[name] = json.RawMessage(`"*** (another)"`)
		}
	}
	return shown
}
