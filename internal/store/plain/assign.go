// Package plain puts the values of a driver where they are wanted, as database/sql does, but without its reflection and locks. It
// knows the few kinds of places that scan functions of tables have, and no rows or statements: those are of store/tx, which
// uses it in sqlite_rows.go. Tables name its places for what may be NULL.
package plain

import (
	"database/sql/driver"
	"fmt"
	"strconv"
)

// Assign puts what the driver read where it is wanted.
func Assign(to any, value driver.Value) error {
	switch to := to.(type) {
	case *string:
		return assignText(to, value)
	case *int64:
		return assignNumber(to, value)
	case *int:
		var n int64
		err := assignNumber(&n, value)
		*to = int(n)
		return err
	case *Text:
		if *to = ""; value == nil {
			return nil
		}
		return assignText((*string)(to), value)
	case *Number:
		if *to = 0; value == nil {
			return nil
		}
		return assignNumber((*int64)(to), value)
	case *bool:
		truth, err := driver.Bool.ConvertValue(value)
		if err != nil {
			return err //nolint:wrapcheck // by the caller
		}
		*to, _ = truth.(bool)
		return nil
	case *[]byte:
		return assignBytes(to, value)
	case **string:
		return assignOptional(to, value, assignText)
	case **int64:
		return assignOptional(to, value, assignNumber)
	}
	return fmt.Errorf("nothing is read into a %T", to)
}

func assignOptional[T any](to **T, value driver.Value, assign func(*T, driver.Value) error) error {
	if *to = nil; value == nil {
		return nil
	}
	held := new(T)
	*to = held
	return assign(held, value)
}

func assignText(to *string, value driver.Value) error {
	switch value := value.(type) {
	case string:
		*to = value
	case []byte:
		*to = string(value)
	case int64:
		*to = strconv.FormatInt(value, 10)
	default:
		return fmt.Errorf("a %T is no text", value)
	}
	return nil
}

func assignNumber(to *int64, value driver.Value) error {
	n, ok := value.(int64)
	if !ok {
		return fmt.Errorf("a %T is no number", value)
	}
	*to = n
	return nil
}

func assignBytes(to *[]byte, value driver.Value) error {
	switch value := value.(type) {
	case nil:
		*to = nil
	case []byte:
		*to = value // a copy already
	case string:
		*to = []byte(value)
	default:
		return fmt.Errorf("a %T is no bytes", value)
	}
	return nil
}
