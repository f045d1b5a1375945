package checkout

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/text/language"
)

// Bounds of what is read of the languages that a browser names. Those of honest ones are far below.
const (
	mostAccepted   = 1 << 10 // characters of the header
	mostLanguages  = 32
	longestTag     = 64 // characters of one tag
	mostPreference = 1.0
)

// matcher finds the language that somebody understands who asks for another one: a Swiss German has German, and those for whom
// CLDR knows of nothing have the first.
var matcher = sync.OnceValue(func() language.Matcher {
	tags := make([]language.Tag, 0, len(tongues))
	for _, w := range languages() {
		tags = append(tags, w.tag)
	}
	return language.NewMatcher(tags)
})

// chooseWords takes the language of the customer's locale, else the one that the browser likes best, else English.
func chooseWords(locale, accept string) *words {
	if tag, ok := readTag(locale); ok {
		if w := match(tag); w != nil {
			return w
		}
	}
	if w := match(accepted(accept)...); w != nil {
		return w
	}
	return languages()[0]
}

// match returns the texts that fit the tags best, with amounts as they are written in the country that the tag names; nil where
// nothing fits.
func match(tags ...language.Tag) *words {
	if len(tags) == 0 {
		return nil
	}
	_, at, confidence := matcher().Match(tags...)
	if confidence == language.No {
		return nil
	}
	w := languages()[at]
	for _, tag := range tags {
		base, _ := tag.Base()
		own, _ := w.tag.Base()
		if base != own {
			continue
		}
		if region, sure := tag.Region(); sure == language.Exact {
			if f := figuresOf(w.Lang, region.String()); f != w.figures {
				regional := *w
				regional.figures = f
				return &regional
			}
		}
		break
	}
	return w
}

// readTag reads one tag, as merchants and browsers write it: de, de_DE, PT-br, zh-Hans-CN.
func readTag(text string) (language.Tag, bool) {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > longestTag {
		return language.Tag{}, false
	}
	tag, err := language.Parse(text)
	return tag, err == nil && tag != language.Und
}

// accepted reads the header Accept-Language: what it names, the likeliest first, and without what it excludes. What cannot be read
// is left out.
func accepted(header string) []language.Tag {
	if len(header) > mostAccepted {
		header = header[:mostAccepted]
		header = header[:strings.LastIndexByte(header, ',')+1]
	}
	type wish struct {
		tag language.Tag
		q   float64
	}
	var wishes []wish
	for entry := range strings.SplitSeq(header, ",") {
		text, parameters, _ := strings.Cut(entry, ";")
		tag, ok := readTag(text)
		q, fine := preference(parameters)
		if ok && fine && q > 0 {
			wishes = append(wishes, wish{tag, q})
		}
		if len(wishes) == mostLanguages {
			break
		}
	}
	slices.SortStableFunc(wishes, func(a, b wish) int { return cmp.Compare(b.q, a.q) })
	tags := make([]language.Tag, 0, len(wishes))
	for _, w := range wishes {
		tags = append(tags, w.tag)
	}
	return tags
}

// preference reads q=0.8, which stands for 1 where it is not there.
func preference(parameters string) (float64, bool) {
	name, value, found := strings.Cut(strings.TrimSpace(parameters), "=")
	if !found {
		return mostPreference, strings.TrimSpace(parameters) == ""
	}
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	return q, strings.EqualFold(strings.TrimSpace(name), "q") && err == nil && q >= 0 && q <= mostPreference
}

type wordsKey struct{}

// speaking is a request for a payment of which the language is known.
func speaking(r *http.Request, w *words) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), wordsKey{}, w))
}

// spoken is the language of the request: that of its payment where one was found, else the browser's.
func spoken(r *http.Request) *words {
	if w, ok := r.Context().Value(wordsKey{}).(*words); ok {
		return w
	}
	return chooseWords("", r.Header.Get("Accept-Language"))
}
