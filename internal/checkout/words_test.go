package checkout

import (
	"fmt"
	"io/fs"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"

	"github.com/sluicepay/sluice/internal/payment"
)

// textsOf returns the texts of a language by their names, as its file has them.
func textsOf(t *testing.T, name string) map[string]string {
	t.Helper()
	content, err := wordFiles.ReadFile("words/" + name + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	texts := make(map[string]string)
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		key, text, _ := strings.Cut(line, " = ")
		texts[key] = text
	}
	return texts
}

// formsOf are the names of the plural forms that whole numbers have in a language.
func formsOf(tag language.Tag) map[string]bool {
	names := map[plural.Form]string{plural.Zero: "Zero", plural.One: "One", plural.Two: "Two", plural.Few: "Few", plural.Many: "Many", plural.Other: "Other"}
	forms := make(map[string]bool)
	for n := range 1000 {
		forms[names[plural.Cardinal.MatchPlural(tag, n, 0, 0, 0, 0)]] = true
	}
	return forms
}

var countedName = regexp.MustCompile(`^(.+)\.(Zero|One|Two|Few|Many|Other)$`)

// lacking lists what is wrong with the names of a language's texts: those that English has are to be there, and the forms of plural
// that it needs, and no others.
func lacking(texts, english map[string]string, tag language.Tag) (wrong []string) {
	wanted := make(map[string]bool)
	for name := range english {
		m := countedName.FindStringSubmatch(name)
		if m == nil {
			wanted[name] = true
			continue
		}
		for form := range formsOf(tag) {
			wanted[m[1]+"."+form] = true
		}
	}
	for name := range wanted {
		if texts[name] == "" {
			wrong = append(wrong, name+" is not there")
		}
	}
	for name := range texts {
		if !wanted[name] {
			wrong = append(wrong, name+" is one too many")
		}
	}
	slices.Sort(wrong)
	return wrong
}

// TestEveryLanguageIsComplete: a text that is missing would show as nothing.
func TestEveryLanguageIsComplete(t *testing.T) {
	t.Parallel()
	english := textsOf(t, "en")
	for _, name := range tongues {
		for _, wrong := range lacking(textsOf(t, name), english, language.MustParse(name)) {
			t.Errorf("words/%s.txt: %s", name, wrong)
		}
	}
	if len(english) < 150 || len(tongues) != 12 {
		t.Errorf("%d texts in %d languages", len(english), len(tongues))
	}
}

// TestALanguageThatLacksATextIsFound, and by the name of the text.
func TestALanguageThatLacksATextIsFound(t *testing.T) {
	t.Parallel()
	english := textsOf(t, "en")
	for _, name := range []string{"Change", "Binding.Expired.Text", "Methods.PIX.Go", "Brands.VISA", "LastsHours.Few"} {
		texts := textsOf(t, "pl")
		if texts[name] == "" {
			t.Fatalf("%s was never there", name)
		}
		delete(texts, name)
		if got := lacking(texts, english, language.Polish); !slices.Equal(got, []string{name + " is not there"}) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestEnglishHasEveryText: it is what the others are measured by.
func TestEnglishHasEveryText(t *testing.T) {
	t.Parallel()
	w := *languages()[0]
	if w.FormText != "" {
		t.Error("the words of payments were changed")
	}
	w.FormText = "payments have none"
	complete(t, "words", reflect.ValueOf(w))
	for _, m := range payment.Methods() {
		if texts := w.Methods[string(m)]; texts.Name == "" || texts.Go == "" {
			t.Errorf("%s has no name, or no button", m)
		}
	}
}

func complete(t *testing.T, name string, v reflect.Value) {
	t.Helper()
	switch {
	case v.Type() == reflect.TypeFor[counted]():
		if c, ok := reflect.TypeAssert[counted](v); !ok || c.One == "" || c.Other == "" {
			t.Errorf("%s is empty", name)
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() || field.Anonymous {
				complete(t, name+"."+field.Name, v.Field(i))
			}
		}
	case v.Kind() == reflect.Map && v.Len() == 0, v.Kind() == reflect.String && v.Len() == 0:
		t.Errorf("%s is empty", name)
	}
}

// TestTextsTakeTheSameValues: what is put into a text in English is put into it in every language, and nothing else.
func TestTextsTakeTheSameValues(t *testing.T) {
	t.Parallel()
	verbs := func(text string) []string {
		all := regexp.MustCompile(`%[^%]?\S*?[a-zA-Z]`).FindAllString(text, -1)
		kinds := make([]string, len(all))
		for i, v := range all {
			at := i
			if m := regexp.MustCompile(`^%\[(\d)\]`).FindStringSubmatch(v); m != nil {
				at = int(m[1][0]-'0') - 1
			}
			if at < len(kinds) {
				kinds[at] = v[len(v)-1:]
			}
		}
		return kinds
	}
	english := textsOf(t, "en")
	for _, name := range tongues {
		for key, text := range textsOf(t, name) {
			like, m := key, countedName.FindStringSubmatch(key)
			if m != nil {
				like = m[1] + ".Other"
			}
			got, want := verbs(text), verbs(english[like])
			alone := m != nil && len(want) == 1 && slices.Contains([]string{"Zero", "One", "Two"}, m[2]) && name == "ar" // the number is in the word
			if !slices.Equal(got, want) && (!alone || len(got) > 0) {
				t.Errorf("words/%s.txt: %s takes %q, English %q: %s", name, key, got, want, text)
			}
		}
	}
}

// same are the texts that may be those of English: names, and words that a language shares with it.
var same = map[string]string{
	"Methods.APPLEPAY.Name": "*", "Methods.BLIK.Name": "*", "Methods.GOOGLEPAY.Name": "*", "Methods.PIX.Name": "*",
	"Optional": "de", "FaultTab": "es",
}

// TestTextsAreTranslated: none is that of English but those that may be, and none is written carelessly.
func TestTextsAreTranslated(t *testing.T) {
	t.Parallel()
	english := textsOf(t, "en")
	for _, name := range tongues {
		for key, text := range textsOf(t, name) {
			if text != strings.TrimSpace(text) || strings.Contains(text, "  ") || strings.ContainsAny(text, "<>&\t\"") || strings.Contains(text, " .") || strings.Contains(text, "...") {
				t.Errorf("words/%s.txt: %s is written carelessly: %q", name, key, text)
			}
			may := same[key] == "*" || same[key] == name || strings.HasPrefix(key, "Brands.") && key != "Brands.UNKNOWN"
			if name != "en" && text == english[key] && !may {
				t.Errorf("words/%s.txt: %s is English: %q", name, key, text)
			}
		}
	}
}

// TestLettersAreThoseOfTheLanguage: a letter of another alphabet looks the same, and is read aloud as nonsense.
func TestLettersAreThoseOfTheLanguage(t *testing.T) {
	t.Parallel()
	latin := regexp.MustCompile(`\p{Latin}`)
	cyrillic := regexp.MustCompile(`\p{Cyrillic}`)
	mixed := regexp.MustCompile(`\p{Latin}\p{Cyrillic}|\p{Cyrillic}\p{Latin}`)
	names := regexp.MustCompile(`%(\[\d\])?[sd]|Apple Pay|Google Pay|BLIK|Pix|CVC|CVV`)
	for _, name := range tongues {
		for key, text := range textsOf(t, name) {
			if strings.HasPrefix(key, "Brands.") || strings.HasPrefix(key, "Methods.") && strings.HasSuffix(key, ".Name") {
				continue
			}
			text = names.ReplaceAllString(text, "")
			foreign := slices.Contains([]string{"ru", "uk", "ar", "zh"}, name) && latin.MatchString(text)
			if foreign || mixed.MatchString(text) || name != "ru" && name != "uk" && cyrillic.MatchString(text) {
				t.Errorf("words/%s.txt: %s has letters of another alphabet: %s", name, key, text)
			}
			if name == "uk" && strings.ContainsAny(text, "ыэъё") || name == "ru" && strings.ContainsAny(text, "іїєґ") {
				t.Errorf("words/%s.txt: %s has letters of another language: %s", name, key, text)
			}
		}
	}
}

// TestEveryFileIsALanguage: none is left out of the list.
func TestEveryFileIsALanguage(t *testing.T) {
	t.Parallel()
	found, err := fs.Glob(wordFiles, "words/*")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, name := range tongues {
		want = append(want, "words/"+name+".txt")
		if figuresByLocale[name].least == 0 {
			t.Errorf("%s has no way to write amounts", name)
		}
	}
	slices.Sort(want)
	if !slices.Equal(found, want) {
		t.Errorf("files %q, languages %q", found, want)
	}
}

func TestFilesThatAreNoTexts(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"PayTo = a\nPayTo = b\n": "PayTo", "Nothing = a\n": "Nothing", "PayTo =\n": "PayTo", "PayTo: a\n": "PayTo", "Completed = a\n": "Completed",
		"Completed.Tone = success\n": "Completed.Tone", "PayTo.Title = a\n": "PayTo.Title", "figures.group = a\n": "figures.group", "Methods.PIX = a\n": "Methods.PIX",
		"LastsHours.Several = a\n": "LastsHours.Several", "Lang = a\n": "Lang",
	} {
		if err := new(words).read(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", file, err)
		}
	}
}

// TestTonesAreOfThePages and of no language.
func TestTonesAreOfThePages(t *testing.T) {
	t.Parallel()
	for _, w := range languages() {
		for _, w := range []*words{w, w.forBinding()} {
			got := []tone{w.Completed.Tone, w.Declined.Tone, w.Cancelled.Tone, w.Expired.Tone, w.Closed.Tone, w.NotFound.Tone}
			if want := []tone{toneSuccess, toneFailure, toneNeutral, toneNeutral, toneNeutral, toneNeutral}; !slices.Equal(got, want) {
				t.Errorf("%s: %q", w.Lang, got)
			}
		}
	}
}

func TestCounting(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ lang, want string }{
		{"en", "You have 1 minute to pay.|You have 2 minutes to pay.|You have 5 minutes to pay.|You have 21 minutes to pay.|You have 102 minutes to pay."},
		{"pl", "Na zapłatę pozostała 1 minuta.|Na zapłatę pozostały 2 minuty.|Na zapłatę pozostało 5 minut.|Na zapłatę pozostało 21 minut.|Na zapłatę pozostały 102 minuty."},
		{"ru", "На оплату осталась 1 минута.|На оплату осталось 2 минуты.|На оплату осталось 5 минут.|На оплату осталась 21 минута.|На оплату осталось 102 минуты."},
		{"uk", "На оплату залишилася 1 хвилина.|На оплату залишилося 2 хвилини.|На оплату залишилося 5 хвилин.|На оплату залишилася 21 хвилина.|На оплату залишилося 102 хвилини."},
		{"ar", "بقيت دقيقة واحدة للدفع.|بقيت دقيقتان للدفع.|بقيت \u20685\u2069 دقائق للدفع.|بقيت \u206821\u2069 دقيقة للدفع.|بقيت \u2068102\u2069 دقيقة للدفع."},
		{"zh", "您还有 1 分钟可以付款。|您还有 2 分钟可以付款。|您还有 5 分钟可以付款。|您还有 21 分钟可以付款。|您还有 102 分钟可以付款。"},
	} {
		w := chooseWords(tc.lang, "")
		var got []string
		for _, n := range []int{1, 2, 5, 21, 102} {
			got = append(got, w.count(&w.LastsMinutes, n, n))
		}
		if got := strings.Join(got, "|"); got != tc.want {
			t.Errorf("%s:\n%s\n%s", tc.lang, got, tc.want)
		}
	}
}

// TestEveryCountIsSaid: no number is left without a form, in any language.
func TestEveryCountIsSaid(t *testing.T) {
	t.Parallel()
	for _, w := range languages() {
		for n := range 200 {
			for _, c := range []*counted{&w.LastsMinutes, &w.LastsHours, &w.Binding.LastsMinutes, &w.Binding.LastsHours, &w.HolderLong} {
				if got := w.count(c, n, n); got == "" || strings.Contains(got, "%!") || n > 2 && !strings.Contains(got, fmt.Sprint(n)) {
					t.Errorf("%s: %d is %q", w.Lang, n, got)
				}
			}
			if got := w.count(&w.AmountTooFine, n, "EUR", n); got == "" || strings.Contains(got, "%!") {
				t.Errorf("%s: %d is %q", w.Lang, n, got)
			}
		}
	}
}

// TestBindingHasItsOwnWords: every text that differs where a card is only kept is the one that the pages take.
func TestBindingHasItsOwnWords(t *testing.T) {
	t.Parallel()
	for _, w := range languages() {
		own, taken := reflect.ValueOf(w.Binding), reflect.ValueOf(*w.forBinding())
		for i := range own.NumField() {
			name := own.Type().Field(i).Name
			if got := taken.FieldByName(name); !got.IsValid() || !got.Equal(own.Field(i)) {
				t.Errorf("%s: %s is %v", w.Lang, name, got)
			}
		}
		if w.FormText != "" {
			t.Errorf("%s: the words of payments were changed", w.Lang)
		}
	}
}

// TestBrandsAreNamed in every language for the same ones.
func TestBrandsAreNamed(t *testing.T) {
	t.Parallel()
	english := languages()[0]
	for _, w := range languages() {
		if got, want := slices.Sorted(maps.Keys(w.Brands)), slices.Sorted(maps.Keys(english.Brands)); !slices.Equal(got, want) {
			t.Errorf("%s: %q", w.Lang, got)
		}
	}
}
