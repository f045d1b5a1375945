package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/sluicepay/sluice/internal/config"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/webhook"
)

type webhookTokenKeysCommand struct {
	config.Common
}

type webhookRotateTokenKeyCommand struct {
	config.Common
	rotateTokenKey
}

// Run lists keys.
func (c *webhookTokenKeysCommand) Run(s *surroundings) error {
	return perform(s, c.Common, task{ListTokenKeys: &listTokenKeys{}})
}

// Run replaces the key.
func (c *webhookRotateTokenKeyCommand) Run(s *surroundings) error {
	return perform(s, c.Common, task{RotateTokenKey: &c.rotateTokenKey})
}

type listTokenKeys struct{}

// run lists the keys that tokens are or were signed by, which have nothing to hide here.
func (c *listTokenKeys) run(ctx context.Context, b *base, out io.Writer) error {
	var keys []store.SigningKey
	err := b.db.View(ctx, func(tx *store.Tx) (err error) {
		keys, err = tx.SigningKeys()
		return err
	})
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "KID\tSTATE\tCREATED\tSIGNS FROM\tSIGNS UNTIL\tPUBLISHED UNTIL")
	now := time.Now()
	for i := range keys {
		k := &keys[i]
		until := k.Replaced
		if !until.IsZero() {
			until = until.Add(webhook.KeyKept)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", k.KID, tokenKeyState(keys, k, now), shortTime(k.Created), shortTime(k.Active),
			shortTime(k.Replaced), shortTime(until))
	}
	return w.Flush()
}

func tokenKeyState(keys []store.SigningKey, k *store.SigningKey, now time.Time) string {
	switch {
	case k.Number == webhook.Signs(keys, now):
		return "SIGNS"
	case now.Before(k.Active):
		return "WAITS"
	case webhook.Published(k, now):
		return "VERIFIES"
	}
	return "OVER"
}

type rotateTokenKey struct {
	Now bool `name:"now" help:"Sign with the new key within seconds instead of a day: for emergencies." json:"now"`
}

func (c *rotateTokenKey) run(ctx context.Context, b *base, out io.Writer) error {
	made, err := b.tokenKeys.Rotate(ctx, c.Now)
	if err != nil {
		return err
	}
	return printJSON(out, map[string]string{"kid": made.KID, "signsFrom": made.Active.UTC().Format(time.RFC3339)})
}
