package adyen_test

import "strings"

// published are the refusal codes of https://docs.adyen.com/development-resources/refusal-reasons, but for 0, which is none.
var published = strings.Fields(`2 3 4 5 6 7 8 9 10 11 12 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 31 32 33 34 35 36 37 38 39 40 41 42 46 50`)
