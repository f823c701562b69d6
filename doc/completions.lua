-- How bash and zsh complete the command.

local options = require("guestlua.command.options")

local head = "# Made by `make doc` from lua/guestlua/command/options.lua; changes here are lost.\n"

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

local function bash()
  local all, cases, flags, with_argument, long_with_argument = {}, {}, "", "", {}
  for _, option in ipairs(options) do
    local forms = forms_of(option)
    table.move(forms, 1, #forms, #all + 1, all)
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
    ARGUMENT = ("-[%s]*[%s]|--(%s)"):format(flags, with_argument, table.concat(long_with_argument, "|")),
  }
  return (file:read("a"):gsub("@(%u+)@", values):gsub("^[^\n]*\n", "%0" .. head))
end

-- zsh takes a specification for each option: '(the others)'{-c+,--connect=}'[help]:argument:what to complete'.
local function zsh()
  local lines = { "#compdef guestlua", head, "_arguments -s -S -A '-*' \\" }
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
  lines[#lines + 1] = "  '1:script:_files -g \"*.lua\"' \\\n  '*:argument:_files'\n"
  return table.concat(lines, "\n")
end

return { ["packaging/completions/guestlua.bash"] = bash(), ["packaging/completions/_guestlua"] = zsh() }
