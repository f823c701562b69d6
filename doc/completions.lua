-- How bash and zsh complete the command.

local arguments = require("guestlua.command.arguments")
local options = require("guestlua.command.options")

local head = "# Made by `make doc` from lua/guestlua/command; changes here are lost.\n"

-- Modules that have more than one command.
local MODULES = { restore = "backup", verify = "backups", prune = "backups" }

-- The commands, in their order: word, and rows: their options. "help" has none.
local function commands_there_are()
  local list, main, connect = {}, arguments.main, nil
  for _, option in ipairs(options) do
    connect = connect or option.long == "connect" and option.suggestions
    if (option.word or ""):find("^%a+$") then
      list[#list + 1] = { word = option.word, rows = {} }
    end
  end
  for _, command in ipairs(list) do
    if command.word ~= "help" then
      arguments.main = function(spec) -- in place of running it
        command.operands = spec.operands
        return arguments.rows_of(spec)
      end
      command.rows = require("guestlua.command." .. (MODULES[command.word] or command.word))(command.word)
      arguments.main = main
    end
    command.kind = (command.operands or ""):find("^GUEST") and "guest" or command.operands and "file" or "none"
    for _, row in ipairs(command.rows) do
      row.words = row.choices or row.name == "connect" and connect or nil
      row.is_file = row.argument == "FILE" or row.argument == "DIR" or row.argument == "INVENTORY"
    end
  end
  return list
end

local commands = commands_there_are()

-- The script that prints the names of a host's guests. Who presses Tab does not want to wait for a host that is not there.
local GUEST_NAMES = [[for _, guest in ipairs(guestlua.open(nil, { timeout = 3 }):guests()) do ]]
  .. [[if not guest.name:find("%c") then print(guest.name) end end]]

local function words_of(list, key, before)
  local words = {}
  for i, one in ipairs(list) do
    words[i] = (before or "") .. one[key]
  end
  return table.concat(words, " ")
end

-- Quoted for a shell.
local function quoted(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function forms_of(option)
  local forms = {}
  forms[#forms + 1] = option.short and "-" .. option.short
  forms[#forms + 1] = option.long and "--" .. option.long
  forms[#forms + 1] = option.word
  return forms
end

-- What comes after each command, and after those of its options that have an argument.
local function cases_of_commands()
  local cases = {}
  for _, command in ipairs(commands) do
    for _, row in ipairs(command.rows) do
      if row.argument then
        cases[#cases + 1] = ("        '%s --%s') %s ;;"):format(command.word, row.name,
          row.words and "words=" .. quoted(table.concat(row.words, " "))
            or ("kind='%s'"):format(row.is_file and "file" or row.argument == "GUEST" and "guest" or "none"))
      end
    end
    local here = command.word == "help" and "words='@COMMANDS@'"
      or ("if [[ $cur == -* ]]; then words='%s'; else kind='%s'; fi"):format(words_of(command.rows, "name", "--"), command.kind)
    cases[#cases + 1] = ("        '%s '*) %s ;;"):format(command.word, here)
  end
  return (table.concat(cases, "\n"):gsub("@COMMANDS@", words_of(commands, "word")))
end

local function bash()
  local all, cases, flags, with_argument, long_with_argument = {}, {}, "", "", {}
  for _, option in ipairs(options) do
    local forms = forms_of(option)
    if not (option.word or ""):find("^%a+$") then
      table.move(forms, 1, #forms, #all + 1, all)
    end
    if option.argument then
      local words = option.choices or option.suggestions
      cases[#cases + 1] = ("        %s) %s ;;"):format(table.concat(forms, " | "),
        words and "words=" .. quoted(table.concat(words, " ")) or option.argument == "FILE" and "kind='file'" or "kind='none'")
      with_argument = with_argument .. (option.short or "")
      long_with_argument[#long_with_argument + 1] = option.long
    else
      flags = flags .. (option.short or "")
    end
  end
  local file <close> = assert(io.open("doc/completion.bash"))
  local values = {
    OPTIONS = table.concat(all, " "),
    CASES = table.concat(cases, "\n"),
    COMMANDS = words_of(commands, "word"),
    COMMANDCASES = cases_of_commands(),
    NAMES = GUEST_NAMES,
    ARGUMENT = ("-[%s]*[%s]|--(%s)"):format(flags, with_argument, table.concat(long_with_argument, "|")),
  }
  return (file:read("a"):gsub("@(%u+)@", values):gsub("^[^\n]*\n", "%0" .. head))
end

-- zsh's specifications of a command's options.
local function zsh_command(command)
  local lines = { ("      %s)"):format(command.word), "        _arguments \\" }
  for _, row in ipairs(command.rows) do
    local action = row.words and "(" .. table.concat(row.words, " "):gsub(":", "\\:") .. ")" or row.is_file and "_files"
      or row.argument == "GUEST" and "_guestlua_guests" or " "
    local argument = row.argument and (":%s:%s"):format(row.argument:lower():gsub(":", "\\:"), action) or ""
    lines[#lines + 1] = ("          --%s%s \\"):format(row.name .. (row.argument and "=" or ""),
      quoted("[" .. row.help:gsub("[%[%]:]", "\\%0") .. "]" .. argument))
  end
  local operand = { guest = "_guestlua_guests", file = "_files", none = " " }
  lines[#lines + 1] = ("          '*:operand:%s' ;;"):format(command.word == "help" and "(" .. words_of(commands, "word") .. ")"
    or operand[command.kind])
  return table.concat(lines, "\n")
end

-- A guest can have any name: what the host says is quoted, and nothing of it is run.
local ZSH_GUESTS = [=[
_guestlua_guests() {
  local -a uri names
  [[ -n ${opt_args[--connect]:-$guestlua_uri} ]] && uri=(-c "${(Q)${opt_args[--connect]:-$guestlua_uri}}")
  names=("${(@f)$(guestlua -q "${uri[@]}" -r -e "$guestlua_names" </dev/null 2>/dev/null)}")
  compadd -- "${names[@]}"
}
local guestlua_uri guestlua_names=']=] .. GUEST_NAMES .. "'"

-- zsh takes a specification for each option: '(the others)'{-c+,--connect=}'[help]:argument:what to complete'.
local function zsh()
  local lines = { "#compdef guestlua", head, ZSH_GUESTS, "local context state state_descr line\n_arguments -C -s -S -A '-*' \\" }
  for _, option in ipairs(options) do
    local forms, action = {}, ""
    local argument = option.argument
    if option.short then
      forms[#forms + 1] = "-" .. option.short .. (argument and "+" or "")
    end
    if option.long then
      forms[#forms + 1] = "--" .. option.long .. (argument and "=" or "")
    end
    if argument then
      local words = option.choices or option.suggestions
      action = words and "(" .. table.concat(words, " "):gsub(":", "\\:") .. ")" or argument == "FILE" and "_files" or " "
      action = (":%s:%s"):format(argument:lower(), action)
    end
    if #forms > 0 then
      local others = option.repeatable and "*" or #forms > 1 and "(" .. table.concat(forms_of(option), " ") .. ")" or ""
      local help = option.help:gsub("[%[%]:]", "\\%0")
      lines[#lines + 1] = ("  %s%s%s \\"):format(others ~= "" and quoted(others) or "",
        #forms > 1 and "{" .. table.concat(forms, ",") .. "}" or forms[1], quoted("[" .. help .. "]" .. action))
    end
  end
  lines[#lines + 1] = "  '1: :->first' \\\n  '*:: :->rest'\n\ncase $state in\n  first)"
  lines[#lines + 1] = ("    _alternative 'commands:command:(%s)' 'scripts:script:_files -g \"*.lua\"' ;;"):format(words_of(commands, "word"))
  lines[#lines + 1] = "  rest)\n    guestlua_uri=${opt_args[-c]:-${opt_args[--connect]}}\n    case $words[1] in"
  for _, command in ipairs(commands) do
    lines[#lines + 1] = zsh_command(command)
  end
  lines[#lines + 1] = "      *) _files ;;\n    esac ;;\nesac\n"
  return table.concat(lines, "\n")
end

return { ["packaging/completions/guestlua.bash"] = bash(), ["packaging/completions/_guestlua"] = zsh() }
