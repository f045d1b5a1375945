package tx

import (
	"context"
	"fmt"
)

// prepareSQLite checks the schema and, when allowed, applies what is missing. The lock on the data
// folder keeps other migrators away.
func prepareSQLite(ctx context.Context, conn *sqliteConn, opts Options) error {
	known, err := loadMigrations(opts.Migrations, SQLite)
	if err != nil {
		return err
	}
	if opts.Migrate {
		if err := conn.exec(createMigrationTable); err != nil {
			return err
		}
	}
	have, err := appliedSQLite(ctx, conn)
	if err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	steps, err := pending(known, have)
	if err != nil {
		return err
	}
	if !opts.Migrate {
		return missing(steps, known)
	}
	for _, step := range steps {
		if err := applySQLite(ctx, conn, step, opts); err != nil {
			return fmt.Errorf("migration %04d_%s: %w", step.version, step.name, err)
		}
	}
	return nil
}

// sqliteHasMigrations finds the one table that no migration creates.
const sqliteHasMigrations = `SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'schema_migration'`

// appliedSQLite returns the steps that the database has; one without the table has none.
func appliedSQLite(ctx context.Context, conn *sqliteConn) (have []applied, err error) {
	found := false
	err = conn.query(ctx, read{sql: sqliteHasMigrations, row: func(Scanner) error {
		found = true
		return nil
	}})
	if err != nil || !found {
		return nil, err
	}
	err = conn.query(ctx, read{sql: sqlListMigrations, row: func(s Scanner) error {
		a, err := scanApplied(s)
		have = append(have, a)
		return err
	}})
	return have, err
}

// applySQLite runs one step in a transaction of its own.
func applySQLite(ctx context.Context, conn *sqliteConn, step migration, opts Options) error {
	if err := conn.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	_, err := conn.conn.ExecContext(ctx, step.text)
	if err = conn.reduce(err); err == nil {
		_, err = conn.execute(sqlInsertMigration, []any{step.version, step.name, step.checksum, opts.Now().UnixMicro()})
	}
	if err == nil {
		err = conn.exec("COMMIT")
	}
	if err != nil {
		_ = conn.exec("ROLLBACK") // SQLite may have rolled back already; the step's error is the one to tell
	}
	return err
}
