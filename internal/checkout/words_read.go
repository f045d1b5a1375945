package checkout

import (
	"embed"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"sync"

	"golang.org/x/text/language"
)

//go:embed words/*.txt
var wordFiles embed.FS

// tongues are the languages of the pages; each has its file. The first is for those who speak none of them. Portuguese is that of
// Brazil, which Portugal gets too, and Chinese is written in the simplified way.
var tongues = []string{"en", "de", "es", "fr", "it", "pl", "pt-BR", "ru", "tr", "uk", "ar", "zh"}

// fromRightToLeft are the languages that are written so.
var fromRightToLeft = map[string]bool{"ar": true}

// languages reads the texts of all, in the order of tongues. It panics where a file that is built into the program is no such file.
var languages = sync.OnceValue(func() []*words {
	all := make([]*words, 0, len(tongues))
	for _, name := range tongues {
		content, err := wordFiles.ReadFile("words/" + name + ".txt")
		if err != nil {
			panic(fmt.Sprintf("checkout: %v", err))
		}
		w := &words{Lang: name, Dir: "ltr", tag: language.MustParse(name), figures: figuresOf(name, "")}
		if fromRightToLeft[name] {
			w.Dir = "rtl"
		}
		if err = w.read(string(content)); err != nil {
			panic(fmt.Sprintf("checkout: words/%s.txt: %v", name, err))
		}
		all = append(all, w)
	}
	return all
})

// verb is what a value is put in for.
var verb = regexp.MustCompile(`%(\[\d+\])?[sd]`)

// read takes the texts of a file.
func (w *words) read(file string) error {
	to := reflect.ValueOf(w).Elem()
	setTones(to)
	names := make(map[string]bool)
	for line := range strings.Lines(file) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, text, found := strings.Cut(line, " = ")
		if text = strings.TrimSpace(text); !found || text == "" || names[name] {
			return fmt.Errorf("%q is no text, or there is one already", name)
		}
		if w.Dir == "rtl" { // what is put in keeps its own direction, and what stands around it too
			text = verb.ReplaceAllString(text, "\u2068$0\u2069")
		}
		if name == "Lang" || name == "Dir" || !put(to, strings.Split(name, "."), text) {
			return fmt.Errorf("there is no text of the name %q", name)
		}
		names[name] = true
	}
	return nil
}

// put sets the text to which a path leads through fields and the keys of maps.
func put(v reflect.Value, path []string, text string) bool {
	if v.Kind() == reflect.String {
		if len(path) > 0 || v.Type() != reflect.TypeFor[string]() {
			return false
		}
		v.SetString(text)
		return true
	}
	if len(path) == 0 {
		return false
	}
	if v.Kind() != reflect.Map {
		field := v.FieldByName(path[0])
		return field.CanSet() && put(field, path[1:], text)
	}
	key, element := reflect.ValueOf(path[0]), reflect.New(v.Type().Elem()).Elem()
	if v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	} else if old := v.MapIndex(key); old.IsValid() {
		element.Set(old)
	}
	if !put(element, path[1:], text) {
		return false
	}
	v.SetMapIndex(key, element)
	return true
}

// setTones gives every outcome the tone that its field names.
func setTones(v reflect.Value) {
	for i := range v.NumField() {
		field, of := v.Field(i), v.Type().Field(i)
		switch {
		case of.Type == reflect.TypeFor[outcomeWords]():
			named := tone(of.Tag.Get("tone"))
			if named == "" {
				named = toneNeutral
			}
			field.FieldByName("Tone").SetString(string(named))
		case of.Type.Kind() == reflect.Struct && field.CanSet(), of.Anonymous:
			setTones(field)
		}
	}
}
