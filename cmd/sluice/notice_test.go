package main

import (
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/app"
	"github.com/sluicepay/sluice/internal/config"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

func TestParkedNotices(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	made := f.shop("with notices")
	b, err := load(&surroundings{ctx: t.Context(), err: t.Output()}, config.Flags{Common: config.Common{Data: f.dir}}, app.Make)
	if err != nil {
		t.Fatal(err)
	}
	err = b.DB().Update(t.Context(), func(tx *store.Tx) error {
		tx.Notices().Insert(&store.Notice{
			Shop: shop.ID(made["shopId"]), Terminal: strings.Repeat("7", 32), Key: "evt-1", Received: time.Now(), AttemptKey: "lost",
			State: store.NoticeParked, Headers: "{}", Body: []byte(`{"number":"4000000000000408"}`),
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	f.says(0, "evt-1", "notice", "parked")
	show := []string{"notice", "show", "--shop", made["shopId"], "--terminal", strings.Repeat("7", 32)}
	f.says(0, "400000***0408", append(show, "evt-1")...)
	f.says(1, "no notice", append(show, "evt-2")...)
	retry := []string{"notice", "retry", "--shop", made["shopId"], "--terminal", strings.Repeat("7", 32)}
	f.says(1, "no notice", append(retry, "evt-2")...)
	f.says(0, "tried again", append(retry, "evt-1")...)
	f.says(1, "WAITING", append(retry, "evt-1")...)
	if list := f.says(0, "SHOP", "notice", "parked"); strings.Contains(list, "evt-1") {
		t.Errorf("still parked: %s", list)
	}
}
