package sqltext

import "testing"

func TestParameter(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]int{
		"SELECT id FROM payment WHERE shop_id = $1":                                                  1,
		"UPDATE payment SET due = $1 WHERE id = $3 AND shop_id = $2":                                 2,
		"INSERT INTO event (shop_id, id) VALUES ($1, $2)":                                            1,
		"INSERT INTO event (id, shop_id) VALUES ($1, $2) ON CONFLICT (shop_id, id) DO NOTHING":       2,
		"INSERT INTO payment (listed, shop_id) VALUES (CAST($1 AS BIGINT), $12)":                     12,
		"INSERT INTO event (number, shop_id) VALUES (1 + COALESCE((SELECT 1, 2 FROM event), 0), $3)": 3,
		"INSERT INTO delivery_try (shop_id) SELECT shop_id FROM delivery WHERE shop_id = $4":         4,
		"SELECT 1 FROM delivery d JOIN event e ON e.shop_id = d.shop_id WHERE d.shop_id = $8":        8,
		"SELECT 1 FROM delivery d JOIN event e ON e.shop_id = d.shop_id":                             0,
		"SELECT 1 FROM payment WHERE workshop_id = $1":                                               0,
		"INSERT INTO node (id) VALUES ($1)":                                                          0,
		"INSERT INTO event (shop_id) VALUES ('')":                                                    0,
		"INSERT INTO event (id, shop_id) VALUES ($1)":                                                0,
	} {
		if got := Parameter(sql, "shop_id"); got != want {
			t.Errorf("%s: %d, want %d", sql, got, want)
		}
	}
}
