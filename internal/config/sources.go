package config

import (
	"bytes"
	"errors"
	"os"
	"reflect"
	"slices"
	"strings"
)

const (
	envPrefix     = "SLUICE_"
	envTestPrefix = "SLUICE_TEST_"
	// configName is the one setting that the file itself cannot hold.
	configName = "config"
)

// otherCommands lists variables that only commands without these settings read.
var otherCommands = []string{
	"SLUICE_API_KEY", "SLUICE_SIGNING_KEY", "SLUICE_SIMULATOR_API_KEY", "SLUICE_SIMULATOR_NOTICE_SECRET",
}

// ErrInvalid is wrapped by every error of Load. The fitting exit code is 2.
var ErrInvalid = errors.New("wrong configuration")

// Fault is one thing that is wrong.
type Fault struct {
	// Setting is the name of the setting, or the unknown name that was used.
	Setting string
	// Problem says what is wrong and where the value came from, without the value of a secret.
	Problem string
}

// Faults is the error that Load returns: everything that is wrong, in the order of the settings.
type Faults []Fault

// Error lists the faults, one a line, each with the names by which the setting can be set.
func (f Faults) Error() string {
	var b strings.Builder
	b.WriteString(ErrInvalid.Error() + ":")
	for _, fault := range f {
		b.WriteString("\n  " + fault.Setting + ": " + fault.Problem)
	}
	return b.String()
}

// Is makes errors.Is(err, ErrInvalid) true.
func (f Faults) Is(target error) bool { return target == ErrInvalid }

// given is a value and where it came from.
type given struct {
	text   string
	source string
}

// Load joins the sources, a flag before the environment before the file before the default, and checks the outcome.
// environ is in the form of os.Environ. The file is read only if flags or environment name one. The error is nil or
// of type Faults.
func Load(flags Flags, environ []string) (Config, error) { return load(flags, environ, parse) }

// LoadServer is Load for a process that serves: it checks besides what matters to no other.
func LoadServer(flags Flags, environ []string) (Config, error) {
	return load(flags, environ, func(fields []field, values map[string]given) (Config, Faults) {
		c, faults := parse(fields, values)
		if c.PublicURL == "" && values["public-url"].text == "" && onAllAddresses(c.Listen) {
			faults = append(faults, faultOf(field{name: "listen"}, values["listen"], errors.New(
				"means all addresses of this machine, so that public-url has to name the one by which customers and providers reach it; or it must be one of them")))
		}
		return c, faults
	})
}

func load(flags Flags, environ []string, parse func([]field, map[string]given) (Config, Faults)) (Config, error) {
	var faults Faults
	values := make(map[string]given)
	env, unknown := readEnv(environ)
	faults = append(faults, unknown...)

	fields := fieldsOf(flags)
	path, fromFile := pathOf(flags, env), map[string]string(nil)
	if path != "" {
		var bad Faults
		fromFile, bad = readFile(path)
		faults = append(faults, bad...)
	}
	for _, f := range fields {
		if f.flag != "" {
			values[f.name] = given{f.flag, "--" + f.name}
		} else if text, ok := env[f.name]; ok && text != "" {
			values[f.name] = given{text, envName(f.name)}
		} else if text, ok := fromFile[f.name]; ok && text != "" {
			values[f.name] = given{text, path}
		} else {
			values[f.name] = given{f.std, "the default"}
		}
	}
	var warnings []string
	for _, f := range fields {
		v := values[f.name]
		if !f.secret || v.text == "" {
			continue
		}
		if w := exposed(v, path); w != "" {
			warnings = append(warnings, w)
		}
		text, err := ReadInput(v.text, environ, nil)
		if err != nil {
			faults = append(faults, faultOf(f, v, err))
		}
		values[f.name] = given{text, v.source}
	}
	config, bad := parse(fields, values)
	config.Warnings = warnings
	if faults = append(faults, bad...); len(faults) > 0 {
		return Config{}, faults
	}
	return config, nil
}

func pathOf(flags Flags, env map[string]string) string {
	if flags.Config != "" {
		return flags.Config
	}
	return env[configName]
}

// field is one setting as declared in Flags.
type field struct {
	name, std, help, placeholder string
	secret                       bool
	place                        bool   // it says where a secret stands; somebody may have given the secret itself
	flag                         string // the value given on the command line
}

// fieldsOf reads the declarations and the values in flags, those of Common first.
func fieldsOf(flags Flags) []field {
	var fields []field
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		for i := range v.NumField() {
			tag, value := v.Type().Field(i).Tag, v.Field(i)
			if value.Kind() == reflect.Struct {
				walk(value)
				continue
			}
			_, secret := tag.Lookup("secret")
			_, place := tag.Lookup("place")
			fields = append(fields, field{
				name: tag.Get("name"), std: tag.Get("std"), help: tag.Get("help"), placeholder: tag.Get("placeholder"),
				secret: secret, place: place, flag: textOf(value),
			})
		}
	}
	walk(reflect.ValueOf(flags))
	return fields
}

func textOf(v reflect.Value) string {
	if v.Kind() != reflect.Pointer {
		return v.String()
	}
	switch {
	case v.IsNil():
		return ""
	case v.Elem().Bool():
		return "true"
	default:
		return "false"
	}
}

func envName(name string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// readEnv returns the settings in the environment by name. Variables of ours that name no setting are faults, but for
// those that belong to the tests and those that Kubernetes puts there.
func readEnv(environ []string) (map[string]string, Faults) {
	known := make(map[string]string)
	for _, f := range fieldsOf(Flags{}) {
		known[envName(f.name)] = f.name
	}
	values, faults := make(map[string]string), Faults(nil)
	for _, entry := range environ {
		key, text, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(key, envPrefix) || strings.HasPrefix(key, envTestPrefix) {
			continue
		}
		if name, ok := known[key]; ok {
			values[name] = text
			continue
		}
		if slices.Contains(otherCommands, key) || injected(key, text) {
			continue
		}
		faults = append(faults, Fault{key, "there is no such setting (environment)"})
	}
	slices.SortFunc(faults, func(a, b Fault) int { return strings.Compare(a.Setting, b.Setting) })
	return values, faults
}

// readFile returns the settings in the file by name.
func readFile(path string) (map[string]string, Faults) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, Faults{{configName, "the file cannot be read: " + err.Error()}}
	}
	return decodeFile(path, bytes.TrimPrefix(text, []byte("\ufeff"))) // editors on Windows mark the byte order
}
