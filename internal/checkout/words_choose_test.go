package checkout

import (
	"strings"
	"testing"
)

func TestChooseWords(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ locale, accept, want string }{
		{"", "", "en"}, {"en_GB", "", "en"}, {"xx", "yy-ZZ,en;q=0.5", "en"}, {"", "*", "en"}, {"EN", ";;;,,", "en"},
		// What merchants write.
		{"de", "fr", "de"}, {"de_DE", "", "de"}, {"DE-de", "", "de"}, {"dE_cH", "", "de"}, {"pt", "", "pt-BR"}, {"pt-BR", "", "pt-BR"},
		{"pt_PT", "", "pt-BR"}, {"PT", "", "pt-BR"}, {"zh-Hans-CN", "", "zh"}, {"zh-TW", "", "zh"}, {"zh_Hant_HK", "", "zh"}, {"ZH", "", "zh"},
		{"ar-EG", "", "ar"}, {"ar_u_nu_arab", "", "ar"}, {"uk", "ru", "uk"}, {"ru-RU", "", "ru"}, {"es-419", "", "es"}, {"es-MX", "", "es"},
		{"tr_TR", "", "tr"}, {"pl", "", "pl"}, {"fr-CA", "", "fr"}, {"it-CH", "", "it"}, {" de ", "", "de"}, {"gsw", "", "de"},
		// Where there is nothing for it, the browser is asked.
		{"sr-Latn", "", "en"}, {"sr-Latn", "de", "de"}, {"ja", "fr", "fr"}, {"ja", "", "en"}, {"und", "it", "it"}, {"d e", "it", "it"}, {"1", "it", "it"},
		{"\x00\xff", "tr", "tr"}, {strings.Repeat("de-", 1000), "tr", "tr"}, {"../../etc/passwd", "tr", "tr"}, {"<script>", "tr", "tr"},
		// What browsers write.
		{"", "de-DE,de;q=0.9,en;q=0.8", "de"}, {"", "ja,ru;q=0.7,de;q=0.9", "de"}, {"", "fr;q=0.1, it;q=0.2", "it"}, {"", "de;q=0,fr;q=0.1", "fr"},
		{"", "de;q=0", "en"}, {"", "de;q=0.000,*", "en"}, {"", "pl;q=1.0", "pl"}, {"", "uk ; q=0.9 , ru ; Q=1", "ru"}, {"", "en-US,en;q=0.9,ar;q=0.8", "en"},
		{"", "ar;q=2,fr", "fr"}, {"", "ar;q=-1,fr", "fr"}, {"", "ar;q=NaN,fr", "fr"}, {"", "ar;level=1,fr", "fr"}, {"", "ar;q=x,fr", "fr"}, {"", "not a tag,fr", "fr"},
		{"", "ja,zh-TW;q=0.5", "zh"}, {"", "ja;q=0.9,ko;q=0.8", "en"},
	} {
		if got := chooseWords(tc.locale, tc.accept); got == nil || got.Lang != tc.want {
			t.Errorf("%.40q, %q: %v, want %s", tc.locale, tc.accept, got.Lang, tc.want)
		}
	}
}

// TestHostileHeadersCostNothing: what is read of a header is bounded, however long it is.
func TestHostileHeadersCostNothing(t *testing.T) {
	for name, accept := range map[string]string{
		"one tag": strings.Repeat("a", 100<<10), "dashes": strings.Repeat("-", 100<<10), "subtags": "de" + strings.Repeat("-a1", 30<<10),
		"many": strings.Repeat("ja;q=0.5,", 12<<10), "commas": strings.Repeat(",", 100<<10), "semicolons": strings.Repeat(";", 100<<10),
		"weights": "de;q=" + strings.Repeat("0", 100<<10), "extensions": strings.Repeat("en-u-co-phonebk-x-a-b-c-d,", 4<<10),
	} {
		if n := len(accepted(accept)); n > mostLanguages {
			t.Errorf("%s: %d languages", name, n)
		}
		if n := testing.AllocsPerRun(10, func() { accepted(accept) }); n > 500 {
			t.Errorf("%s: %v allocations", name, n)
		}
		if w := chooseWords(accept, accept); w == nil {
			t.Errorf("%s: nothing", name)
		}
	}
	if got := chooseWords("", "de,"+strings.Repeat("ja,", 40<<10)); got.Lang != "de" {
		t.Errorf("what stands first is not read: %s", got.Lang)
	}
}

func FuzzChooseWords(f *testing.F) {
	for _, seed := range []string{"de", "de-DE,de;q=0.9", "zh-Hans-CN", "*;q=0", "i-klingon", "x-a", "en-GB-oed"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, locale, accept string) {
		if w := chooseWords(locale, accept); w == nil || w.PayTo == "" || w.figures.point == "" {
			t.Fatalf("%q, %q: %v", locale, accept, w)
		}
	})
}
