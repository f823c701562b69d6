-- The man page's list of options, and its version. The rest of the page is written by hand and stays.

local lines = {}

local function add(...)
  lines[#lines + 1] = string.format(...)
end

-- Dashes that are typed are no hyphens.
local function typed(text)
  return (text:gsub("%-", "\\-"))
end

-- A backslash is mdoc's own.
local function prose(text)
  return text:sub(1, 1):upper() .. text:sub(2):gsub("\\", "\\e") .. "."
end

for _, option in ipairs(require("guestlua.command.options")) do
  local forms = {}
  if option.word then
    forms[1] = "Cm " .. typed(option.word)
  end
  if option.short then
    forms[#forms + 1] = "Fl " .. option.short .. (option.argument and " Ar " .. option.argument or "")
  end
  if option.long then
    forms[#forms + 1] = "Fl \\-" .. typed(option.long) .. (option.argument and " Ns = Ns Ar " .. option.argument or "")
  end
  if option.operands then
    forms[#forms] = forms[#forms] .. " Ar " .. option.operands
  end
  add(".It %s", table.concat(forms, " , "))
  add("%s", prose(option.help))
  local choices = option.choices or option.suggestions
  if choices then
    local list = {}
    for _, choice in ipairs(choices) do
      list[#list + 1] = ".Cm " .. choice
    end
    list[#list - 1] = list[#list - 1] .. " or"
    list[#list] = list[#list] .. " ."
    add("%s\n%s", option.choices and "One of" or "For example", table.concat(list, " ,\n"):gsub(" or ,\n", "\nor\n"))
  end
end

local path = "doc/guestlua.1"
local file <close> = assert(io.open(path))
local before, after = file:read("a"):match('^(.-\n%.Bl [^\n]* options\n).-(\n%.El\n.*)$')
before = before:gsub("\n%.Os[^\n]*", "\n.Os guestlua " .. require("guestlua").version.guestlua)
return { [path] = before .. table.concat(lines, "\n") .. after }
