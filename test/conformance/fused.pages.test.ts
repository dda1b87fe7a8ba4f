/** The plan of a desktop's GPU, by a browser's compiler and under its limits. It runs in Firefox too, which has no subgroups. */
import { holdToPyTorch } from './analyze.ts';

holdToPyTorch('astronaut-face', '--taps', '--plan', 'fused', '--dtype', 'f32');
