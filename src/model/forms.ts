/** Both forms, for whoever has no reason to load only one: the command line, the benchmarks, the tests. */
import { formOf } from '../checkpoint/check.ts';
import type { Form, TensorList } from '../checkpoint/tensors.ts';
import { type Config, configOf } from './config.ts';
import type { ModelForm } from './form.ts';
import { paper } from './paper.ts';
import { released } from './released.ts';

export const MODEL_FORMS: Readonly<Record<Form, ModelForm>> = { released, paper };

/** The configuration of a checkpoint's tensors, whichever form they are of. @throws FaceXFormerError WRONG_WEIGHTS when they are of neither */
export const readConfig = (tensors: TensorList): Config => configOf(tensors, MODEL_FORMS[formOf(tensors)]);
