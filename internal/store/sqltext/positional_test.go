package sqltext

import "testing"

func TestPlaceholdersForSQLite(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"SELECT 1":                           "SELECT 1",
		"VALUES ($1, $2, $3)":                "VALUES (?, ?, ?)",
		"a = $1 AND (b = $2 OR c = $2)":      "a = ? AND (b = ? OR c = ?2)",
		"SET a = $1, b = $1 + $2 WHERE c=$3": "SET a = ?, b = ?1 + ? WHERE c=?",
		"a = $2 AND b = $1":                  "a = $2 AND b = $1", // out of order: as it is
		"a = $1 AND b ->> '$.x' = $2":        "a = $1 AND b ->> '$.x' = $2",
		"$1$2$10":                            "$1$2$10", // a gap
		"a = $0":                             "a = $0",
		"VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11)": "VALUES (?,?,?,?,?,?,?,?,?,?,?)",
	} {
		if got := Positional(text); got != want {
			t.Errorf("%s became %s, want %s", text, got, want)
		}
	}
}
