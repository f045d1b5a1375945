package main

import (
	"context"
	"slices"
	"time"

	"github.com/sluicepay/sluice/bench/chore"
)

func (l *lab) measureVault(ctx context.Context) error {
	return l.measureChores(ctx, "Vault", chore.Vault)
}

func (l *lab) measureWallets(ctx context.Context) error {
	return l.measureChores(ctx, "Wallets", chore.Wallets)
}

// measureChores does each as often as it can, ours and bare in turns.
func (l *lab) measureChores(ctx context.Context, section string, of func() ([]chore.Chore, error)) error {
	chores, err := of()
	if err != nil {
		return err
	}
	share := l.opts.timing().count / 8
	for _, c := range chores {
		var ratios, rates []float64
		for range max(l.opts.rounds, 1) {
			ours, err := pace(ctx, share, c.Ours)
			if err != nil {
				return err
			}
			bare, err := pace(ctx, share, c.Bare)
			if err != nil {
				return err
			}
			ratios, rates = append(ratios, ours/bare), append(rates, ours)
		}
		slices.Sort(ratios)
		slices.Sort(rates)
		l.report.add(line{
			Section: section, Name: c.Name, Value: perSecond(rates[len(rates)/2]), Against: c.Against, Ratio: ratios[len(ratios)/2],
		})
	}
	return nil
}

// pace is how often something can be done in a second.
func pace(ctx context.Context, lasts time.Duration, do func() error) (float64, error) {
	const between = 256 // looks at the clock
	done, began := 0, time.Now()
	for took := time.Duration(0); took < lasts; took = time.Since(began) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		for range between {
			if err := do(); err != nil {
				return 0, err
			}
		}
		done += between
	}
	return float64(done) / time.Since(began).Seconds(), nil
}
