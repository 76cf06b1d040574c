/* reckon.h: everything at once. */
#ifndef RECKON_RECKON_H
#define RECKON_RECKON_H
#include "reckon/array.h"
#include "reckon/base.h"
#include "reckon/bill.h"
#include "reckon/books.h"
#include "reckon/corpus.h"
#include "reckon/device.h"
#include "reckon/diff.h"
#include "reckon/dim.h"
#include "reckon/encoding.h"
#include "reckon/expression.h"
#include "reckon/graph.h"
#include "reckon/infer.h"
#include "reckon/model.h"
#include "reckon/plan.h"
#include "reckon/profile.h"
#include "reckon/read.h"
#include "reckon/tok.h"
#include "reckon/tokens.h"
#include "reckon/train.h"
#include "reckon/verify.h"
#endif
