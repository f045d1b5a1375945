package shop_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/limit"
	"github.com/sluicepay/sluice/internal/shop"
)

func TestRateLimit(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		rate  limit.Rate
		fault string
	}{
		`{}`:                             {},
		`{"rateLimit":null}`:             {},
		`{"rateLimit":{"perSecond":50}}`: {rate: limit.Rate{PerSecond: 50, Burst: 50}},
		`{"rateLimit":{"perSecond":5,"burst":100}}`: {rate: limit.Rate{PerSecond: 5, Burst: 100}},
		`{"rateLimit":{}}`:                          {fault: "rateLimit.perSecond: 0"},
		`{"rateLimit":{"perSecond":-1}}`:            {fault: "rateLimit.perSecond: -1"},
		`{"rateLimit":{"perSecond":1,"burst":-1}}`:  {fault: "rateLimit.burst: -1"},
		`{"rateLimit":{"perSecond":100001}}`:        {fault: "rateLimit.perSecond: 100001"},
	} {
		s := shop.Defaults(true)
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			t.Fatal(err)
		}
		err := s.Check()
		if want.fault != "" {
			if err == nil || !strings.Contains(err.Error(), want.fault) {
				t.Errorf("%s: %v", text, err)
			}
			continue
		}
		if got := s.RateLimit.Rate(); err != nil || got != want.rate {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
}
