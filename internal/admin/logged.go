package admin

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"regexp"
	"strings"
)

// queries are the queries of addresses in a JSON text.
var queries = regexp.MustCompile(`\?[^"\s]+`)

// logAct is the line of the log about an act that has changed something.
func (d *Desk) logAct(ctx context.Context, operation string, arguments []slog.Attr, made string) {
	p := personOf(ctx)
	attrs := []slog.Attr{slog.String("operation", operation), slog.String("account", p.Account), slog.String("claims", p.Claims)}
	attrs = append(attrs, slog.GroupAttrs("arguments", arguments...))
	if made != "" {
		attrs = append(attrs, slog.String("made", made))
	}
	d.c.Log.LogAttrs(ctx, slog.LevelInfo, "administered", attrs...)
}

// madeBy is the id of what an act has made, or empty.
func madeBy(result any) string {
	if made, ok := result.(interface{ Made() string }); ok {
		return made.Made()
	}
	return ""
}

// shown returns what arguments say, by their names on the wire, without those that are empty or tagged as secret. The tag
// log gives one another name, where its own would be taken for a secret's, and has it told even when it is empty.
func shown(v reflect.Value) []slog.Attr {
	if v.Kind() != reflect.Struct {
		return nil
	}
	var attrs []slog.Attr
	for i := range v.NumField() {
		field, value := v.Type().Field(i), v.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		_, secret := field.Tag.Lookup("secret")
		logged, always := field.Tag.Lookup("log")
		if always {
			name = logged
		}
		switch {
		case field.Anonymous:
			attrs = append(attrs, shown(value)...)
		case value.IsZero() && !always:
		case name == "settings" && !secret: // of a shop: what follows an address may let whoever knows it post there
			attrs = append(attrs, slog.String(name, queries.ReplaceAllString(fmt.Sprint(value.Interface()), "?***")))
		case secret:
			attrs = append(attrs, slog.String(name, "***"))
		case value.Kind() == reflect.Pointer:
			attrs = append(attrs, slog.String(name, fmt.Sprint(value.Elem().Interface())))
		default:
			attrs = append(attrs, slog.String(name, fmt.Sprint(value.Interface())))
		}
	}
	return attrs
}
