package audit

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/sluicepay/sluice/internal/private"
)

// HeadsFile is the name of the file of heads in a data folder.
const HeadsFile = "audit-heads"

// export writes the head where whoever has the database alone cannot reach: into the log and a file. What cannot be written is said, and
// keeps nothing from being done: the record itself has it.
func (r *Record) export(ctx context.Context, h Head) {
	r.c.Log.InfoContext(ctx, "audit head", "seq", h.Seq, "hash", h.Hash)
	if r.c.Heads == "" {
		return
	}
	line := strconv.FormatInt(h.Seq, 10) + " " + h.Hash + "\n"
	if err := private.AppendDurably(r.c.Heads, []byte(line)); err != nil {
		r.c.Log.ErrorContext(ctx, "the head of the record of acts is not written beside it", "error", err)
	}
}

// ReadHeads reads lines of a number and a hash, as the file of heads has them; others are passed over, so that lines of a log will do where
// both stand in them as seq=N hash=H.
func ReadHeads(in io.Reader) (heads []Head, err error) {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if h, ok := parseHead(lines.Text()); ok {
			heads = append(heads, h)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read heads: %w", err)
	}
	return heads, nil
}

func parseHead(line string) (h Head, ok bool) {
	words := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t,{}\"", r) })
	if len(words) == 2 {
		return headFrom(words[0], words[1])
	}
	var seq, hash string
	for i, w := range words {
		name, value, has := strings.Cut(w, "=")
		if !has && strings.HasSuffix(w, ":") && i+1 < len(words) {
			name, value = strings.TrimSuffix(w, ":"), words[i+1]
		} else if !has && i+1 < len(words) && strings.HasPrefix(words[i+1], ":") {
			name, value = w, strings.TrimPrefix(words[i+1], ":")
			if value == "" && i+2 < len(words) {
				value = words[i+2]
			}
		}
		switch name {
		case "seq":
			seq = value
		case "hash":
			hash = value
		}
	}
	return headFrom(seq, hash)
}

func headFrom(seq, hash string) (h Head, ok bool) {
	n, err := strconv.ParseInt(seq, 10, 64)
	raw, badHash := hex.DecodeString(hash)
	return Head{Seq: n, Hash: hash}, err == nil && badHash == nil && n > 0 && len(raw) == 32
}
