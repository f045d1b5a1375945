package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// decodeFile reads one JSON object whose members are settings. JSON was chosen because the standard library reads it
// and everybody's tools write it. Values are strings, numbers, booleans or, where a setting takes several, arrays of
// strings. Unknown, repeated and wrongly typed members are faults, as is anything after the object.
func decodeFile(path string, text []byte) (map[string]string, Faults) {
	broken := func(err error) Faults {
		return Faults{{configName, fmt.Sprintf("%s is not one JSON object of settings: %v", path, err)}}
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, broken(errors.Join(err, errors.New("it must begin with {")))
	}
	known := make(map[string]bool)
	for _, f := range fieldsOf(Flags{}) {
		known[f.name] = f.name != configName
	}
	values, faults := make(map[string]string), Faults(nil)
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, broken(err)
		}
		var value any
		if err := d.Decode(&value); err != nil {
			return nil, broken(err)
		}
		key, _ := name.(string)
		fault := func(problem string) { faults = append(faults, Fault{key, problem + " (" + path + ")"}) }
		plain, ok := plainText(value)
		switch _, repeated := values[key]; {
		case !known[key]:
			fault("there is no such setting")
		case repeated:
			fault("is set twice")
		case !ok:
			fault("must be a string, a number, true, false or a list of strings")
		default:
			values[key] = plain
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, broken(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, broken(errors.New("there is something after the object"))
	}
	return values, faults
}

func plainText(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			part, ok := v[i].(string)
			if !ok {
				return "", false
			}
			parts[i] = part
		}
		return strings.Join(parts, ","), true
	}
	return "", false
}
