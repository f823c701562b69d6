-- guestlua --check: words of which a parameter takes only some, and the names of typed parameters.

local known = require("guestlua.command.known")
local spelling = require("guestlua.base.spelling")
local words_in = require("guestlua.base.words")

local close_of, is, keys_in, table_argument = words_in.close_of, words_in.is, words_in.keys_in, words_in.table_argument

-- One that is none of those there are. what: "" or what they are called.
local function none_of(check, row, what, word, text, there)
  local near = spelling.nearest(text, there)
  check:report(word, "%s has no %s'%s'%s", row.name, what, text, near and ("; '%s'?"):format(near) or "; there are: " .. table.concat(there, ", "))
end

-- The value from first to last of a parameter that takes certain words only: one, or a list of them; or a table of named parameters.
local function choice(check, row, param, first, last)
  local words = check.words
  if param.type == "table" then
    for _, key in ipairs(first and is(words[first], "{") and close_of(words, first) == last and keys_in(words, first, last) or {}) do
      if not known.has(param.choices, key.text) then
        none_of(check, row, "parameter ", key, key.text, param.choices)
      end
    end
    return
  end
  for _, word in ipairs(words_in.listed(words, first, last)) do
    local text = word.kind == "string" and word.text:match("^[\"']([%w_-]+)[\"']$")
    if text and not known.has(param.choices, text) then
      none_of(check, row, "", word, text, param.choices)
    end
  end
end

-- The end of the value of an option, of which the key is word.
local function value_after(words, word)
  for i = 1, #words do
    if words[i] == word then
      local last = is(words[i + 2], "{") and close_of(words, i + 2) or i + 2
      local after = words[last + 1]
      return i + 2, (is(after, ",") or is(after, ";") or is(after, "}")) and last or i + 1
    end
  end
end

-- Looks at the arguments of a call of the row with its bracket at i, the options too. check: has words, and report.
return function(check, row, i)
  local words, number, options = check.words, 0, {}
  for _, param in ipairs(row.params) do
    number = number + (param.positional and 1 or 0)
    if param.positional and param.choices then
      choice(check, row, param, words_in.argument(words, i, number))
    elseif param.choices then
      options[param.name] = param
    end
  end
  local of = next(options) and table_argument(words, i, number + 1)
  for _, key in ipairs(of and keys_in(words, of, close_of(words, of)) or {}) do
    if options[key.text] then
      choice(check, row, options[key.text], value_after(words, key))
    end
  end
end
