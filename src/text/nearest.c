#include "text/nearest.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST 64

static int least(int a, int b)
{
  return a < b ? a : b;
}

/* The number of letters to insert, delete, change, or swap with the next one. */
static int distance_of(const char *a, const char *b)
{
  int rows[3][LONGEST + 1], length_a = (int)strlen(a), length_b = (int)strlen(b);
  int *before = rows[0], *previous = rows[1], *current = rows[2];
  for (int j = 0; j <= length_b; j++)
    previous[j] = j;
  for (int i = 1; i <= length_a; i++) {
    current[0] = i;
    for (int j = 1; j <= length_b; j++) {
      current[j] = least(least(previous[j] + 1, current[j - 1] + 1), previous[j - 1] + (a[i - 1] != b[j - 1]));
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        current[j] = least(current[j], before[j - 2] + 1);
    }
    int *oldest = before;
    before = previous;
    previous = current;
    current = oldest;
  }
  return previous[length_b];
}

/* A short name resembles many others, so it has to be nearer. */
static int allowed(size_t length)
{
  return length >= 8 ? 2 : length >= 2 ? 1 : 0;
}

/* Whether one letter stands in the place of another, as in web and wed: both may be right in a short name. */
static bool is_another(const char *name, const char *candidate)
{
  int different = 0;
  for (; *name && *candidate; name++, candidate++)
    different += *name != *candidate;
  return !*name && !*candidate && different == 1;
}

void gl_nearest_add(gl_nearest *n, const char *candidate)
{
  size_t length = strlen(n->name), other = strlen(candidate);
  if (length > LONGEST || other > LONGEST || abs((int)length - (int)other) > allowed(length))
    return;
  int distance = distance_of(n->name, candidate);
  if (distance > allowed(length) || (n->found && distance > n->distance) || (length < 4 && is_another(n->name, candidate)))
    return;
  if (n->found && distance == n->distance &&
      strcmp(candidate, n->found) > 0) /* the result does not depend on the order of the candidates */
    return;
  n->found = candidate;
  n->distance = distance;
}
