// Package frame is what servers that behave as real providers have alike, whatever they behave as: books of the money that moved, faults
// that are wished for and met once, answers that are given or spoilt, and lists of notices.
//
// It knows no provider and nothing of what it is used to judge. What a request means, which keys there are and what is published belong to
// each double.
//
// Read books.go for the books, keys.go for requests that come again, faults.go for what can go wrong and send.go for how.
package frame
