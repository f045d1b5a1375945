package main

import (
	"io"
	"strings"
)

// All three scripts find out which command the words before the cursor name, passing over flags and their values, and
// offer what may follow it. "help" is passed over, too: what follows it is a command.

const bashFrame = `# bash completion of sluice; printed by "sluice completion bash".
_sluice() {
  COMPREPLY=()
  local cur=${COMP_WORDS[COMP_CWORD]} flag= path= word i next=$'\n' flags= valued= words=
  # bash cuts words at "="; a flag with its value comes in three.
  [[ $cur == "=" ]] && cur=
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [[ $word == "=" ]]; then continue; fi
    if [[ -n $flag ]]; then flag=; continue; fi
    _sluice_command "$path"
    case $word in
      -*) [[ " $valued " == *" $word "* ]] && flag=$word ;;
      help) [[ -z $path ]] || path=- ;;
      *) if [[ $next == *$'\n'"$word"$'\n'* ]]; then path=${path:+$path }$word; fi ;;
    esac
  done
  _sluice_command "$path"
  if [[ -n $flag ]]; then
    _sluice_value "$path $flag"
    if [[ $words == "<file>" ]]; then
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    else
      mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
    fi
  elif [[ $cur == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$cur")
  else
    mapfile -t COMPREPLY < <(compgen -W "$next" -- "$cur")
  fi
}
`

// writeBash writes for bash 4 and later.
func writeBash(w io.Writer, all []completed) error {
	p := printer{w: w}
	p.linef("%s_sluice_command() {\n  next=$'\\n' flags= valued=\n  case $1 in", bashFrame)
	for i := range all {
		c := &all[i]
		p.linef("    %s)\n      next=$'\\n%s\\n'\n      flags=%s\n      valued=%s ;;", quote(c.path),
			strings.ReplaceAll(names(c.next, "", nil), " ", `\n`), quote(names(c.flags, "--", nil)), quote(names(c.flags, "--", takesValue)))
	}
	p.linef("  esac\n}\n_sluice_value() {\n  words=\n  case $1 in")
	for i := range all {
		for _, f := range all[i].flags {
			words := strings.Join(f.words, " ")
			if f.files {
				words = "<file>"
			}
			if words != "" {
				p.linef("    %s) words=%s ;;", quote(all[i].path+" --"+f.name), quote(words))
			}
		}
	}
	p.linef("  esac\n}\ncomplete -F _sluice sluice bin/sluice ./bin/sluice")
	return p.err
}

const zshFrame = `#compdef sluice
# zsh completion of sluice; printed by "sluice completion zsh".
_sluice() {
  local path_= word skip= at=1 i
  local -a sluice_next flags valued
  for ((i = 2; i < CURRENT; i++)); do
    word=${words[i]}
    if [[ -n $skip ]]; then skip=; continue; fi
    _sluice_command "$path_"
    case $word in
      -*=*) ;;
      -*) (( ${valued[(Ie)$word]} )) && skip=1 ;;
      help) [[ -z $path_ ]] && at=$i ;;
      *) if (( ${sluice_next[(I)${(b)word}(|:*)]} )); then path_=${path_:+$path_ }$word at=$i; fi ;;
    esac
  done
  _sluice_command "$path_"
  words=(sluice "${(@)words[at+1,-1]}")
  (( CURRENT -= at - 1 ))
  if (( ${#sluice_next} )); then
    _arguments -S $flags '1: :_sluice_next' '*: :'
  else
    _arguments -S $flags '*: :'
  fi
}
_sluice_next() { _describe command sluice_next }
`

// writeZsh writes a file for a folder in $fpath.
func writeZsh(w io.Writer, all []completed) error {
	p := printer{w: w}
	p.linef("%s_sluice_command() {\n  sluice_next=() flags=() valued=()\n  case $1 in", zshFrame)
	for i := range all {
		c := &all[i]
		p.linef("    %s)", quote(c.path))
		for _, o := range c.next {
			p.linef("      sluice_next+=(%s)", quote(strings.TrimSuffix(strings.ReplaceAll(o.name, ":", `\:`)+":"+o.help, ":")))
		}
		for _, f := range c.flags {
			p.linef("      flags+=(%s)", quote(zshFlag(&f)))
		}
		p.linef("      valued=(%s) ;;", names(c.flags, "--", takesValue))
	}
	p.linef("  esac\n}\nif [[ $funcstack[1] == _sluice ]]; then _sluice \"$@\"; else compdef _sluice sluice; fi")
	return p.err
}

// zshFlag is a flag as _arguments reads it.
func zshFlag(f *option) string {
	help := strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`, ":", `\:`).Replace(f.help)
	switch {
	case !f.takes:
		return "--" + f.name + "[" + help + "]"
	case f.files:
		return "--" + f.name + "=[" + help + "]:file:_files"
	case len(f.words) > 0:
		return "--" + f.name + "=[" + help + "]:value:(" + strings.Join(f.words, " ") + ")"
	}
	return "--" + f.name + "=[" + help + "]:value: "
}

const fishFrame = `# fish completion of sluice; printed by "sluice completion fish".
function __sluice_path
    set -l path
    set -l skip 0
    for word in (commandline -opc)[2..-1]
        if test $skip -eq 1
            set skip 0
            continue
        end
        set -l at (string join ' ' -- $path)
        switch $word
            case '-*=*'
            case '-*'
                contains -- $word (__sluice_valued "$at"); and set skip 1
            case help
                test -z "$at"; or set -a path -
            case '*'
                contains -- $word (__sluice_next "$at"); and set -a path $word
        end
    end
    string join ' ' -- $path
end
function __sluice_at
    set -l path (__sluice_path)
    test "$path" = "$argv[1]"
end
complete -c sluice -f`

// writeFish writes a file for a folder of fish's completions.
func writeFish(w io.Writer, all []completed) error {
	p := printer{w: w}
	p.linef("%s\nfunction __sluice_next\n    switch $argv[1]", fishFrame)
	for i := range all {
		if len(all[i].next) > 0 {
			p.linef("        case %s\n            string split ' ' %s", quote(all[i].path), quote(names(all[i].next, "", nil)))
		}
	}
	p.linef("    end\nend\nfunction __sluice_valued\n    switch $argv[1]")
	for i := range all {
		if valued := names(all[i].flags, "--", takesValue); valued != "" {
			p.linef("        case %s\n            string split ' ' -- %s", quote(all[i].path), quote(valued))
		}
	}
	p.linef("    end\nend")
	for i := range all {
		c := &all[i]
		at := fishQuote("__sluice_at " + fishQuote(c.path))
		for _, o := range c.next {
			p.linef("complete -c sluice -n %s -a %s -d %s", at, o.name, fishQuote(o.help))
		}
		for _, f := range c.flags {
			line := "complete -c sluice -n " + at + " -l " + f.name + " -d " + fishQuote(f.help)
			switch {
			case f.files:
				line += " -r -F"
			case f.takes:
				line += " -x -a " + fishQuote(strings.Join(f.words, " "))
			}
			p.linef("%s", line)
		}
	}
	return p.err
}

func fishQuote(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}
