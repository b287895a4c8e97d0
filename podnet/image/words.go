package image

import (
	"errors"
	"io"
	"strings"
)

// readWords reads xargs's input: words with quotes, lines, or what NULs end.
func readWords(r io.Reader, null, lines bool) ([]string, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	text := string(data)
	if null {
		return splitNonEmpty(text, "\x00"), nil
	}
	if lines {
		words := splitNonEmpty(text, "\n")
		for i := range words {
			words[i] = strings.TrimLeft(words[i], " \t")
		}
		return words, nil
	}
	var words []string
	var word strings.Builder
	inWord, quote := false, byte(0)
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			if c == '\n' {
				return nil, errUnmatched(quote)
			}
			word.WriteByte(c)
		case c == '\'' || c == '"':
			quote, inWord = c, true
		case c == '\\' && i+1 < len(text):
			i++
			word.WriteByte(text[i])
			inWord = true
		case c == ' ' || c == '\t' || c == '\n':
			if inWord {
				words = append(words, word.String())
				word.Reset()
			}
			inWord = false
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	if quote != 0 {
		return nil, errUnmatched(quote)
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}

func errUnmatched(quote byte) error {
	if quote == '"' {
		return errors.New("unmatched double quote")
	}
	return errors.New("unmatched single quote")
}

func splitNonEmpty(s, sep string) []string {
	var words []string
	for _, w := range strings.Split(s, sep) {
		if w != "" {
			words = append(words, w)
		}
	}
	return words
}
