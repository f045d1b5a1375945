package admin_test

import (
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/admin"
)

// TestActsAreOnRecord: who, what, with which arguments, what was changed from what into what, and how it ended; and no secret.
func TestActsAreOnRecord(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o *office) {
		made := done(o, admin.OpCreateShop, admin.CreateShop{Name: "Flowers"})
		of := admin.OfShop{Shop: string(made.Shop)}
		terminal := done(o, admin.OpCreateTerminal, admin.CreateTerminal{OfShop: of, Name: "Main", Connector: "sandbox", Settings: o.settings(nil), NoTrial: true})
		done(o, admin.OpUpdateShop, admin.UpdateShop{OfShop: of, Settings: `{"webhookUrl":"https://shop.example/hook?token=HIDDEN"}`})
		done(o, admin.OpRenameShop, admin.RenameShop{OfShop: of, Name: "Roses"})
		done(o, admin.OpUpdateTerminal, admin.UpdateTerminal{
			OfTerminal: admin.OfTerminal{OfShop: of, Terminal: "Main"}, Settings: `{"noticeSecret":"another-notice-secret"}`, NoTrial: true,
		})
		refused(o, admin.OpRevokeKey, admin.RevokeKey{OfShop: of, Key: "nothing"}, "has no key")
		done(o, admin.OpListShops, admin.Nothing{}) // looking is no act

		list := done(o, admin.OpListAudit, admin.ListAudit{Limit: 100})
		if len(list.Items) != 12 {
			t.Fatalf("%d entries", len(list.Items))
		}
		told := map[string]string{}
		for _, e := range list.Items {
			var words []string
			for _, c := range e.Changes {
				words = append(words, c.Name+": "+string(c.Before)+" -> "+string(c.After))
			}
			told[e.Act+" "+string(e.Phase)] = strings.Join(append(words, e.Who, e.Claims, e.Shop, e.Made, e.Error), "|")
		}
		sid := string(made.Shop)
		for name, want := range map[string]string{
			"shop.create begun":    "root(0)|ann|||",
			"shop.create done":     "root(0)||" + "|" + sid + "|",
			"terminal.create done": "root(0)||" + sid + "|" + terminal.ID + "|",
			"shop.update done":     `settings.webhookUrl:  -> "https://shop.example/hook?***"|root(0)||` + sid + "||",
			"shop.rename done":     `merchant: "Flowers" -> "Flowers"`,
			"terminal.update done": `settings.noticeSecret: "***" -> "*** (another)"`,
			"key.revoke refused":   "has no key",
		} {
			if got := told[name]; !strings.Contains(got, want) && name != "shop.rename done" {
				t.Errorf("%s: %s; want %s", name, got, want)
			}
		}
		if got := told["shop.rename done"]; got != `name: "Flowers" -> "Roses"|root(0)||`+sid+"||" {
			t.Errorf("shop.rename: %s", got)
		}
		exported := done(o, admin.OpExportAudit, admin.ExportAudit{From: 1})
		if len(exported.Items) != 12 || exported.Items[0].Seq != 1 {
			t.Errorf("%d entries exported", len(exported.Items))
		}
		if all := o.log.String(); strings.Contains(all, "HIDDEN") || strings.Count(all, `"audit head"`) != 12 {
			t.Error(all)
		}
		if r := done(o, admin.OpVerifyAudit, admin.VerifyAudit{}); r.Entries != 12 || len(r.Findings) != 0 {
			t.Errorf("%+v", r)
		}
	})
}

// TestWhatIsNotOnRecordIsNotDone where the record cannot be written.
func TestWhatIsNotOnRecordIsNotDone(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o *office) {
		done(o, admin.OpCreateShop, admin.CreateShop{Name: "Flowers"})
		o.data.ExecAll(`UPDATE audit_head SET seq = seq + 7`) // the next entry finds nothing to be put behind
		o.data.ExecAll(`UPDATE audit_entry SET seq = seq + 8`)
		refused(o, admin.OpCreateShop, admin.CreateShop{Name: "Roses"}, "what is not on record is not done")
		if l := done(o, admin.OpListShops, admin.Nothing{}); len(l.Items) != 1 {
			t.Errorf("%+v", l.Items)
		}
	})
}
