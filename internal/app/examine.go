package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/sluicepay/sluice/internal/store"
)

// Complaint is something about an installation that is not as it should be.
type Complaint struct {
	What   string `json:"what"`
	Remedy string `json:"remedy"`
}

// Examine says what is not as it should be with the database of an installation: its schema, and where its tables are on an engine
// with many nodes. It changes nothing, and works beside servers. The embedded database, which belongs to one process, is not opened.
func Examine(ctx context.Context, p *Place) ([]Complaint, error) {
	place, err := PlaceOf(&p.Config)
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	if place.Kind == store.SQLite {
		return nil, nil
	}
	wrong, err := store.Examine(ctx, store.Options{URL: p.Database.Reveal(), Logger: p.Log, Established: p.Established()})
	if errors.Is(err, store.ErrNoDatabase) || errors.Is(err, store.ErrSchemaOld) {
		return []Complaint{{fmt.Sprintf("%s: %s", place, err), "sluice migrate brings the database up to date"}}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", place, err)
	}
	var found []Complaint
	for _, m := range wrong {
		remedy := "sluice migrate --citus lays it out, while no server works on the database"
		if !m.Movable() {
			remedy = fmt.Sprintf("SELECT undistribute_table('%s') takes it back to the coordinator; then sluice migrate --citus lays it out", m.Table)
		}
		found = append(found, Complaint{fmt.Sprintf("%s: %s", place, m), remedy})
	}
	return found, nil
}
