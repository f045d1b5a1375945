package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/sluicepay/sluice/internal/store"
)

// Examination is what is to be said of the database of an installation.
type Examination struct {
	Database   string      `json:"database"`
	Complaints []Complaint `json:"complaints"`
}

// Complaint is something that is not as it should be.
type Complaint struct {
	What   string `json:"what"`
	Remedy string `json:"remedy"`
}

// Examine says what is not as it should be with the database of an installation: whether it answers, its schema, and on a Citus its
// nodes and where the tables are. It changes nothing, and works beside servers. Errors are of the settings alone.
func Examine(ctx context.Context, p *Place) (Examination, error) {
	place, err := PlaceOf(&p.Config)
	if err != nil {
		return Examination{}, fmt.Errorf("database: %w", err)
	}
	e := Examination{Database: place.String(), Complaints: []Complaint{}}
	found, err := store.Examine(ctx, store.Options{URL: p.Database.Reveal(), Dir: p.Data, Logger: p.Log, Established: p.Established()})
	if ctx.Err() != nil {
		return e, context.Cause(ctx)
	}
	if found.Workers > 0 {
		e.Database += fmt.Sprintf(", a Citus of %d workers", found.Workers)
	}
	for _, node := range found.Away {
		e.complain("node "+node, "start it, or see to its network; until it is back the shops that it has are answered 503, and what was begun is "+
			"finished afterwards. citus_check_cluster_node_health() says who reaches whom")
	}
	if err != nil {
		e.complain(err.Error(), remedyOf(err, place.Kind, found.Workers))
	}
	for _, m := range found.Wrong {
		e.complain(m.String(), remedyOfTable(m))
	}
	return e, nil
}

func (e *Examination) complain(what, remedy string) {
	e.Complaints = append(e.Complaints, Complaint{what, remedy})
}

func remedyOfTable(m store.Misplaced) string {
	if m.Movable() {
		return "sluice migrate --citus lays it out, while no server works on the database"
	}
	return fmt.Sprintf("SELECT undistribute_table('%s') takes it back to the coordinator; then sluice migrate --citus lays it out", m.Table)
}

// remedyOf is what helps where nothing could be looked at.
func remedyOf(err error, kind store.Kind, workers int64) string {
	switch {
	case errors.Is(err, store.ErrNoDatabase) && kind == store.SQLite:
		return "sluice serve and sluice migrate make one; where the server of this folder has PostgreSQL, --database has to name it"
	case errors.Is(err, store.ErrNoDatabase) && workers > 0:
		return "sluice migrate --citus makes one and lays it out"
	case errors.Is(err, store.ErrNoDatabase), errors.Is(err, store.ErrSchemaOld):
		return "sluice migrate brings the database up to date"
	case errors.Is(err, store.ErrSchemaNewer):
		return "use the version of sluice that it was brought up to date with, or a later one"
	case errors.Is(err, store.ErrSchemaEdited):
		return "use the version of sluice that made it; nothing else may write to its tables"
	case errors.Is(err, store.ErrUnavailable) && kind == store.Postgres:
		return "start the server, or see to the network, the name and the password in --database"
	}
	return "the message says what is in the way"
}
