package api

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// PrefersHTML reports whether the caller asks for HTML rather than JSON, as browsers do: text/html is named, and nothing
// makes JSON as welcome.
func PrefersHTML(h http.Header) bool {
	html, json := -1.0, -1.0
	for _, line := range h["Accept"] {
		for part := range strings.SplitSeq(line, ",") {
			media, params, err := mime.ParseMediaType(part)
			if err != nil {
				continue
			}
			q := 1.0
			if text, ok := params["q"]; ok {
				if q, err = strconv.ParseFloat(text, 64); err != nil {
					continue
				}
			}
			switch {
			case media == "text/html", media == "application/xhtml+xml":
				html = max(html, q)
			case media == "application/json", strings.HasSuffix(media, "+json"):
				json = max(json, q)
			}
		}
	}
	return html > 0 && html > json
}
