// Package declared makes connectors of files: a provider with a plain JSON or form API needs no code. docs/connectors.md says what stands
// in such a file.
//
// A file holds data and no code: requests are templates in which names of what is known of a payment are replaced by their values, and
// answers are judged by rules, of which the first that fits says what is proved. What no rule fits is UNKNOWN. What a rule cannot
// say otherwise is checked here: that an answer is about our key, our amount's form and a known currency, and that only a refusal by
// a status of 4xx can prove that nothing was done.
//
// Read load.go for how a file is read and what is wrong with it, template.go for requests, answerrules.go and judging.go for answers,
// asking.go for lists, for what an answer has to repeat and for what is asked first, declared.go for the calls, account.go for settings,
// notice.go for notices and stamped.go for the headers that sign them.
package declared
