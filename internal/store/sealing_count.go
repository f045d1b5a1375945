package store

import (
	"fmt"

	"github.com/sluicepay/sluice/internal/store/tx"
	"github.com/sluicepay/sluice/internal/vault"
)

// SealedCount says how many secrets of one part of the database are sealed by which data key.
type SealedCount struct {
	Part  string
	Key   string // id of a data key; empty for those in clear
	Count int64
}

const countSealed = `SELECT CASE WHEN substr(secret, 1, %[1]d) = '%[2]s' THEN substr(secret, %[3]d, %[4]d) ELSE '' END AS key, COUNT(*)
	FROM (%[5]s) AS found WHERE secret <> '' GROUP BY key ORDER BY key`

// Count counts all secrets: it reads every shop, terminal, chain and kept card, and each attempt and payment that has one.
func (t Sealings) Count() ([]SealedCount, error) {
	var counts []SealedCount
	form := vault.SealedForm
	for _, part := range []struct{ name, rows string }{
		{"shops", `SELECT signing_key AS secret FROM shop`},
		{"terminals", `SELECT config AS secret FROM terminal UNION ALL SELECT retired FROM terminal WHERE retired IS NOT NULL`},
		{"chains", `SELECT credential AS secret FROM chain`},
		{"attempts", `SELECT credential AS secret FROM attempt WHERE credential IS NOT NULL`},
		{"payments", `SELECT means AS secret FROM payment WHERE means IS NOT NULL`},
		{"cards", `SELECT number AS secret FROM card_token`},
	} {
		text := fmt.Sprintf(countSealed, len(form.Mark), form.Mark, form.From, form.Length, part.rows)
		found, err := tx.List(t.tx, func(s tx.Scanner) (SealedCount, error) {
			c := SealedCount{Part: part.name}
			return c, s.Scan(&c.Key, &c.Count)
		}, text)
		if err != nil {
			return nil, err
		}
		counts = append(counts, found...)
	}
	return counts, nil
}
