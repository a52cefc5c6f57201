#!/bin/bash
# The health check that a person runs without ragops: five looks, one after the other, and no verdict.
# $1: kubeconfig, $2: health address. "parallel" as $3 runs the looks side by side, its best form.
export KUBECONFIG=$1
looks=(
  "kubectl get pods -n rag-engine -o wide"
  "kubectl top pods -n rag-engine"
  "kubectl get svc -n rag-engine"
  "kubectl get ingress -n rag-engine"
  "curl -s $2"
)
for look in "${looks[@]}"; do
  if [ "$3" = parallel ]; then $look 2>&1 & else $look 2>&1; fi
done
wait
