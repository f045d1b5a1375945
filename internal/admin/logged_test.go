package admin

import (
	"bytes"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/telemetry"
)

// TestTheLogTellsActsApart: the key of an act by hand is no secret, and without it a repetition looks like another act.
func TestTheLogTellsActsApart(t *testing.T) {
	t.Parallel()
	act := Act{Key: "order-1"}
	for name, arguments := range map[string]any{
		"capture": PartlyAct{Act: act}, "void": act, "refund": RefundPayment{PartlyAct: PartlyAct{Act: act}},
	} {
		var out bytes.Buffer
		log := telemetry.Logger(slog.LevelInfo, telemetry.FormatJSON, &out)
		log.LogAttrs(t.Context(), slog.LevelInfo, name, shown(reflect.ValueOf(arguments))...)
		if !strings.Contains(out.String(), `"keyId":"order-1"`) {
			t.Errorf("%s: %s", name, out.String())
		}
	}
}
